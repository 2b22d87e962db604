"""WSGI middleware around the whole application: ids, safety headers, observers, the access line.

Around the application and not in its hooks, so that every response has an id and a line, whatever
fails inside.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any

from . import access_log
from .request_context import RequestContext, RequestObserver, reset_context, set_context

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# No page is made of a response: nothing in it runs, loads, is framed, or is taken for another type.
# The style is that of a table as HTML. A page with a policy of its own keeps that.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SAFETY_HEADERS = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", _POLICY),
)
_SANE_ID = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_log = logging.getLogger("mmf.middleware")


class RequestContextMiddleware:
    """Gives every request an id and a safe response; reports it to observers and the access log.

    `protocols` are names by the first segment of the path; "" is that of all others.
    """

    def __init__(
        self,
        app: WSGIApplication,
        protocols: Mapping[str, str],
        observers: Sequence[RequestObserver] = (),
    ) -> None:
        self._app = app
        self._protocols = protocols
        self._observers = observers

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        context = RequestContext(
            _request_id(environ.get("HTTP_X_REQUEST_ID", "")),
            environ,
            self._protocol(environ),
            self._observers,
        )

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            context.status, context.headers = int(status[:3]), headers
            if (timings := context.timings) and timings.encode_started:
                timings.encode = perf_counter() - timings.encode_started
            names = {name for name, _ in headers}
            headers += [header for header in SAFETY_HEADERS if header[0] not in names]
            headers.append(("X-Request-ID", context.request_id))
            headers += access_log.server_timing(context)
            return start_response(status, headers, *exc_info)

        token = set_context(context)
        self._report("started", context)
        try:
            return self._app(environ, start)
        finally:
            if context.partial_line:
                print()  # ends the line that the target left unfinished
            self._report("finished", context)
            access_log.write(context)
            reset_context(token)

    def _protocol(self, environ: WSGIEnvironment) -> str:
        segment = environ.get("PATH_INFO", "")[1:].partition("/")[0]
        return self._protocols.get(segment) or self._protocols[""]

    def _report(self, event: str, context: RequestContext) -> None:
        """Report to every observer; one that fails is logged, and the request goes on."""
        for observer in self._observers:
            try:
                getattr(observer, event)(context)
            except Exception:  # noqa: BLE001 - it is logged, and the caller gets a response
                _log.exception("an observer failed: %s", type(observer).__name__)


def _request_id(requested: str) -> str:
    # Unique, not secret; Python seeds it anew in every process.
    return requested if requested and _SANE_ID.fullmatch(requested) else f"{getrandbits(128):032x}"
