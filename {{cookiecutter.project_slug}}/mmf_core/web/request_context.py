"""One request and its answer: the id that ties them to the log, and the access line.

Done around the application and not in its hooks, so that every answer has an id and a line,
whatever fails inside.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import getrandbits
from time import perf_counter
from typing import TYPE_CHECKING, Any

from .. import metrics, tracing
from ..execution import Timings

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

# No page is made of an answer: nothing in it runs, loads, is framed, or is taken for another type.
# The style is that of a table as HTML. A page with a policy of its own keeps that.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
SAFETY = (
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "no-referrer"),
    ("Content-Security-Policy", _POLICY),
)
_SANE = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_log = logging.getLogger("mmf.access")


@dataclass(slots=True)
class RequestContext:
    """What is known of the request in hand; views add what only they know."""

    request_id: str
    trace: tracing.Trace | None = None
    started: float = field(default_factory=perf_counter)
    measures: Timings | None = None
    target: str | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    printed: list[str] = field(default_factory=list)
    status: int = 500
    headers: Iterable[tuple[str, str]] = ()

    def enter(self, target: str) -> None:
        """Note which target the request is for; it is at it until its answer is there."""
        self.target = target
        metrics.entered(target)

    def decoded(self) -> Timings:
        """Note that the arguments have been read; return what the call's times go into."""
        self.measures = Timings()
        self.measures.decode = self.measures.entered - self.started
        return self.measures


_current: ContextVar[RequestContext | None] = ContextVar("exchange", default=None)


def current() -> RequestContext | None:
    """Return the exchange that this thread is in the middle of."""
    return _current.get()


class RequestContextMiddleware:
    """WSGI middleware: gives every request an id and a safe answer, counts it, writes its line.

    `protocols` are names by the first part of the path; the one without is that of all others.
    """

    def __init__(self, app: WSGIApplication, protocols: Mapping[str, str]) -> None:
        self._app = app
        self._protocols = protocols

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        exchange = RequestContext(
            _request_id(environ.get("HTTP_X_REQUEST_ID", "")),
            tracing.taken(environ["HTTP_TRACEPARENT"]) if "HTTP_TRACEPARENT" in environ else None,
        )
        spans = tracing.tracer()
        begun = spans.begin(environ, _path(environ), exchange) if spans else None

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            exchange.status, exchange.headers = int(status[:3]), headers
            known = {name for name, _ in headers}
            headers += [one for one in SAFETY if one[0] not in known]
            headers.append(("X-Request-ID", exchange.request_id))
            if exchange.measures and _log.isEnabledFor(logging.DEBUG):
                headers.append(("Server-Timing", _server_timing(exchange.measures)))
            return start_response(status, headers, *rest)

        token = _current.set(exchange)
        try:
            return self._app(environ, start)
        finally:
            metrics.record(exchange, self._protocol(environ))
            if exchange.printed:
                print()  # the line that the function left unfinished
            if _log.isEnabledFor(logging.INFO):
                _write_line(environ, exchange)
            _current.reset(token)
            if spans and begun:
                spans.end(begun, exchange)

    def _protocol(self, environ: WSGIEnvironment) -> str:
        part = environ.get("PATH_INFO", "")[1:].partition("/")[0]
        return self._protocols.get(part) or self._protocols[""]


def _request_id(asked: str) -> str:
    # Unique, not secret; Python seeds it anew in every process.
    return asked if asked and _SANE.fullmatch(asked) else f"{getrandbits(128):032x}"


def _server_timing(measures: Timings) -> str:
    """Write the times as W3C's Server Timing does, for a browser's developer tools."""
    parts = ("decode", "queue", "call", "encode")
    return ", ".join(f"{part};dur={_ms(getattr(measures, part))}" for part in parts)


def _write_line(environ: WSGIEnvironment, exchange: RequestContext) -> None:
    method, path = environ["REQUEST_METHOD"], _path(environ)
    fields = {
        "method": method,
        "path": path,
        "target": exchange.target,
        "status": exchange.status,
        "ms": _ms(perf_counter() - exchange.started),
        "rows_in": exchange.rows_in,
        "rows_out": exchange.rows_out,
        "bytes_in": _integer(environ.get("CONTENT_LENGTH")),
        "bytes_out": _integer(_content_length(exchange.headers)),
    }
    if measures := exchange.measures:
        fields["decode_ms"] = _ms(measures.decode)
        fields["queue_ms"] = _ms(measures.queue)
        fields["call_ms"] = _ms(measures.call)
        fields["encode_ms"] = _ms(measures.encode)
        fields["joined"] = measures.joined
    _log.info("%s %s %s %.1f ms", method, path, exchange.status, fields["ms"], extra=fields)


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _content_length(headers: Iterable[tuple[str, str]]) -> str | None:
    return next((value for name, value in headers if name == "Content-Length"), None)


def _path(environ: WSGIEnvironment) -> str:
    """Return the path as it was meant (PEP 3333 has its UTF-8 as Latin-1), safe for a terminal."""
    path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    if path.isprintable():
        return path
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in path)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
