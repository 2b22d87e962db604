"""The current request: its data for log lines, metrics and spans."""

from __future__ import annotations

import select
from collections.abc import Mapping, Sequence
from contextvars import ContextVar
from time import perf_counter
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Protocol

from ..call_options import WITH_ROWS
from ..descriptors import Descriptor
from ..errors import InvalidValue
from ..execution import Execution, Timings
from ..target import Target

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


IS_GONE = "mmf.is_gone"
"""In the environment: a function that reports whether the client still waits."""
INTERNAL = "mmf.internal"
"""In the environment of a request that the service itself makes: no client can set it."""


class Caller(Protocol):
    """The caller that has sent a request."""

    @property
    def name(self) -> str:
        """The name of this caller in the log."""

    @property
    def targets(self) -> frozenset[str] | None:
        """The targets that this caller may reach; None: all of them."""

    @property
    def claims(self) -> Mapping[str, Any]:
        """The claims of the caller's token (RFC 7519, 4)."""

    def check_target(self, route: str) -> None:
        """Raise RequestError for a target that this caller may not reach."""


class RequestObserver:
    """Base class: notified of every request, in the thread that serves it."""

    def started(self, context: RequestContext) -> None:
        """Handle the arrival of a request; only the fields up to `protocol` are set."""

    def target_entered(self, context: RequestContext) -> None:
        """Handle the choice of the target, before it is called."""

    def rejected(self, context: RequestContext, error: InvalidValue) -> None:
        """Handle that a target has rejected the values that it was called with."""

    def finished(self, context: RequestContext) -> None:
        """Handle the end of the request: the response was returned, or there is none."""


class RequestContext:
    """One request. `path` is decoded, and safe for a terminal; `protocol` is a protocol's name.

    `received` is when the body had arrived; `status` and `bytes_out` are the response's;
    `log_fields` are in every log line; `partial_line` is the text that the target has printed since
    its last line break. A response that `is_streamed` is sent piece by piece after the application
    returned. `model_version` is that of the artifacts that gave the result. `client_id` is another
    id by which the caller knows the request: that of a task, or of a V2 request. `caller` is its
    sender, if callers need tokens.
    """

    received = 0.0
    timings: Timings | None = None
    target: str | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    status = 500
    bytes_out: int | None = None
    log_fields: Mapping[str, str] = MappingProxyType({})
    partial_line = ""
    is_streamed = False
    model_version = ""
    client_id = ""
    caller: Caller | None = None

    def __init__(
        self,
        request_id: str,
        environ: WSGIEnvironment | None = None,
        *,
        method: str = "",
        path: str = "",
        protocol: str = "",
        observers: Sequence[RequestObserver] = (),
    ) -> None:
        self.request_id = request_id
        self.environ: WSGIEnvironment = {} if environ is None else environ
        self.method = method
        self.path = path
        self.protocol = protocol
        self.observers = observers
        self.started = perf_counter()

    def has_hung_up(self) -> bool:
        """Report whether the client has closed its end of the connection, if the server shows it.

        One that closes only its sending side looks the same, and counts as gone, as it does for
        nginx. A server whose requests have no connections of their own puts a function there.
        """
        if is_gone := self.environ.get(IS_GONE):
            return bool(is_gone())
        names = ("gunicorn.socket", "werkzeug.socket")
        sockets = (self.environ[name] for name in names if name in self.environ)
        return any(map(_is_closed, sockets))


_HANG_UP = select.POLLHUP | getattr(select, "POLLRDHUP", 0)  # the latter is Linux's
_current: ContextVar[RequestContext | None] = ContextVar("request_context", default=None)
set_context = _current.set
reset_context = _current.reset
current_context = _current.get
"""Returns the request that this thread is serving, or None."""


def body_received() -> None:
    """Record that the body has arrived: from now on the client is waiting."""
    if context := _current.get():
        context.received = perf_counter()


def enter_target(target: Target) -> None:
    """Record the target of the current request, which its caller has to be allowed to reach.

    Every protocol does, before it calls the target; later errors are counted for it.
    """
    if context := _current.get():
        if context.caller is not None:
            context.caller.check_target(target.route)
        context.target = target.route
        for observer in context.observers:
            observer.target_entered(context)


def report_rejected(error: InvalidValue) -> None:
    """Report that the values of the current request are invalid, if it has a target."""
    if (context := _current.get()) and context.target:
        for observer in context.observers:
            observer.rejected(context, error)


def execute(execution: Execution, values: Mapping[str, Any]) -> Any:
    """Call a target with decoded values; record times and rows of the current request.

    The result may be a `NumberTable`. Errors are those of `Execution`.
    """
    context = _current.get() or RequestContext("-")
    target = execution.target
    for name in execution.with_rows:
        if (
            name in values
            and (rows := count_rows(target.arguments[name], values[name])) is not None
        ):
            context.rows_in = (context.rows_in or 0) + rows
    context.timings = timings = Timings(received=context.received, is_abandoned=context.has_hung_up)
    timings.decode = timings.entered - context.started
    result = execution.run(values, timings)
    if target.returns:
        context.rows_out = count_rows(target.returns, result)
    timings.encode_started = perf_counter()
    return result


def _is_closed(client: Any) -> bool:
    if client.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(client, _HANG_UP)
    return bool(poll.poll(0))


def count_rows(descriptor: Descriptor[Any], value: Any) -> int | None:
    """Return the rows of a table or an array; None for values without rows."""
    if descriptor.kind not in WITH_ROWS or not getattr(value, "ndim", 1):
        return None
    return len(value)
