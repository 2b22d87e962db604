"""One request and its answer: the id that ties them to the log, and the access line.

Done around the application and not in its hooks, so that every answer has an id and a line,
whatever fails inside.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from ..execution import Measures

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_SANE = re.compile(r"[\w.:/+=@-]{1,128}", re.ASCII)
_log = logging.getLogger("mmf.access")


@dataclass(slots=True)
class Exchange:
    """What is known of the request in hand; views add what only they know."""

    request_id: str
    started: float = field(default_factory=perf_counter)
    measures: Measures | None = None
    target: str | None = None
    rows_in: int | None = None
    rows_out: int | None = None
    printed: list[str] = field(default_factory=list)

    def decoded(self) -> Measures:
        """Note that the arguments have been read; return what the call's times go into."""
        self.measures = Measures()
        self.measures.decode = self.measures.entered - self.started
        return self.measures


_current: ContextVar[Exchange | None] = ContextVar("exchange", default=None)


def current() -> Exchange | None:
    """Return the exchange that this thread is in the middle of."""
    return _current.get()


class Exchanges:
    """WSGI middleware: gives every request an id and writes its access line."""

    def __init__(self, app: WSGIApplication) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        exchange = Exchange(_request_id(environ.get("HTTP_X_REQUEST_ID", "")))
        answer: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            headers.append(("X-Request-ID", exchange.request_id))
            if exchange.measures and _log.isEnabledFor(logging.DEBUG):
                headers.append(("Server-Timing", _server_timing(exchange.measures)))
            answer.update(status=int(status[:3]), headers=headers)
            return start_response(status, headers, *rest)

        token = _current.set(exchange)
        try:
            return self._app(environ, start)
        finally:
            if exchange.printed:
                print()  # the line that the function left unfinished
            if _log.isEnabledFor(logging.INFO):
                _write_line(environ, exchange, answer)
            _current.reset(token)


def _request_id(asked: str) -> str:
    return asked if _SANE.fullmatch(asked) else uuid4().hex


def _server_timing(measures: Measures) -> str:
    """Write the times as W3C's Server Timing does, for a browser's developer tools."""
    return ", ".join(f"{name};dur={ms}" for name, ms in measures.milliseconds().items())


def _write_line(environ: WSGIEnvironment, exchange: Exchange, answer: dict[str, Any]) -> None:
    method, path = environ["REQUEST_METHOD"], _path(environ)
    status = answer.get("status", 500)
    milliseconds = round((perf_counter() - exchange.started) * 1000, 3)
    fields: dict[str, Any] = {
        "method": method,
        "path": path,
        "target": exchange.target,
        "status": status,
        "ms": milliseconds,
        "rows_in": exchange.rows_in,
        "rows_out": exchange.rows_out,
        "bytes_in": _integer(environ.get("CONTENT_LENGTH")),
        "bytes_out": _integer(dict(answer.get("headers", ())).get("Content-Length")),
    }
    if exchange.measures:
        times = exchange.measures.milliseconds()
        fields |= {f"{name}_ms": time for name, time in times.items()}
        fields["joined"] = exchange.measures.joined
    _log.info("%s %s %s %.1f ms", method, path, status, milliseconds, extra=fields)


def _path(environ: WSGIEnvironment) -> str:
    """Return the path as it was meant (PEP 3333 has its UTF-8 as Latin-1), safe for a terminal."""
    path: str = environ.get("PATH_INFO", "").encode("latin-1").decode("utf-8", "replace")
    if path.isprintable():
        return path
    return "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in path)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
