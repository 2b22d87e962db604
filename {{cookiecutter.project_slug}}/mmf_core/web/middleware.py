"""WSGI middleware around the whole application: ids, safety headers, observers, the access line.

Around the application, not in its hooks: every response has an id and a line, even if a hook fails.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextvars import Token
from functools import partial
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..execution import Timings
from . import logs
from .request_context import RequestContext, RequestObserver, reset_context, set_context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from ..registry import Registry

# A browser treats a response as data: it runs, loads and frames nothing, and guesses no other type.
# The style is for tables as HTML. A page with a policy of its own keeps it.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SAFETY_HEADERS: tuple[tuple[str, str], ...] = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", _POLICY),
)
_SAFETY_NAMES = {name for name, _ in SAFETY_HEADERS}
_SANE_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_access_log = logging.getLogger("mmf.access")
_log = logging.getLogger("mmf.middleware")


class RequestContextMiddleware:
    """Gives every request an id and a safe response; reports it to observers and the access log.

    `protocols` are names by the first segment of the path; "" is for all others. `registry` has the
    version of the artifacts in use.
    """

    def __init__(
        self,
        app: WSGIApplication,
        protocols: Mapping[str, str],
        observers: Sequence[RequestObserver] = (),
        registry: Registry | None = None,
    ) -> None:
        self._app = app
        self._registry = registry
        self._protocols = protocols
        self._started = [
            observer.started for observer in observers if _extends(observer, "started")
        ]
        self._target_observers = [
            observer for observer in observers if _extends(observer, "target_entered")
        ]
        self._finished = [
            observer.finished for observer in observers if _extends(observer, "finished")
        ]

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        # RFC 9110, 4.2.3; in `GET http://host HTTP/1.1` it is empty.
        environ["PATH_INFO"] = environ.get("PATH_INFO") or "/"
        path = _path(environ)
        context = RequestContext(
            _request_id(environ.get("HTTP_X_REQUEST_ID", "")),
            environ,
            method=environ["REQUEST_METHOD"],
            path=path,
            protocol=self._protocols.get(path[1:].partition("/")[0], self._protocols[""]),
            observers=self._target_observers,
        )

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            context.status = int(status[:3])
            if (timings := context.timings) and timings.encode_started:
                timings.encode = perf_counter() - timings.encode_started
            missing = SAFETY_HEADERS
            for name, value in headers:
                if name == "Content-Length":
                    context.bytes_out = int(value) if value.isdecimal() else None
                elif name in _SAFETY_NAMES:
                    missing = tuple(header for header in missing if header[0] != name)
            headers += missing
            headers.append(("X-Request-ID", context.request_id))
            if timings:
                headers += self._of_target(context, timings)
            return start_response(status, headers, *exc_info)

        token = set_context(context)
        _report(self._started, context)
        finish = partial(self._finish, context, token)
        try:
            body = self._app(environ, start)
        except BaseException:
            finish()
            raise
        if context.is_streamed:
            return _StreamedBody(body, context, finish)
        finish()
        return body

    def _of_target(self, context: RequestContext, timings: Timings) -> list[tuple[str, str]]:
        """Return the headers of a response by a target: the version that gave it, and times."""
        if not context.model_version and self._registry:
            context.model_version = self._registry.version
        version = context.model_version
        headers = [("X-Model-Version", version)] if version else []
        if _access_log.isEnabledFor(logging.DEBUG):
            headers.append(logs.server_timing(timings))
        return headers

    def _finish(self, context: RequestContext, token: Token[RequestContext | None]) -> None:
        if context.partial_line:
            print()  # flushes the target's last, unterminated line
        _report(self._finished, context)
        logs.write_access_line(context)
        reset_context(token)


class _StreamedBody:
    """A response that is still being made while it is sent; its request ends when it is closed."""

    def __init__(
        self, body: Iterable[bytes], context: RequestContext, finish: Callable[[], None]
    ) -> None:
        self._body = body
        self._context = context
        self._finish = finish

    def __iter__(self) -> Iterator[bytes]:
        for content in self._body:
            self._context.bytes_out = (self._context.bytes_out or 0) + len(content)
            yield content

    def close(self) -> None:
        """End the request, as WSGI servers do whatever has happened."""
        try:
            close: Callable[[], None] = getattr(self._body, "close", lambda: None)
            close()
        finally:
            self._finish()


def _extends(observer: RequestObserver, method: str) -> bool:
    return getattr(type(observer), method) is not getattr(RequestObserver, method)


def _report(listeners: Iterable[Callable[[RequestContext], None]], context: RequestContext) -> None:
    """Call every listener; an exception in it is logged, and the request continues."""
    for listener in listeners:
        try:
            listener(context)
        except Exception:  # noqa: BLE001 - the caller gets a response all the same
            _log.exception("an observer of requests failed")


def _path(environ: WSGIEnvironment) -> str:
    """Return the decoded path: in PEP 3333 its UTF-8 bytes are Latin-1."""
    path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    if path.isprintable():
        return path
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in path)


def _request_id(requested: str) -> str:
    # Unique, not secret; Python reseeds it in every process.
    return requested if requested and _SANE_ID.fullmatch(requested) else f"{getrandbits(128):032x}"
