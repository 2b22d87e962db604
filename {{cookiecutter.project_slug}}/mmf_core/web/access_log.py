"""The access line of a request, and the same times for a browser's developer tools."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from time import perf_counter

from ..execution import Timings
from .request_context import RequestContext

_STAGES = ("decode", "queue", "call", "encode")
_log = logging.getLogger("mmf.access")


def write(context: RequestContext) -> None:
    """Write the line of a request that has its response; times are in milliseconds."""
    if not _log.isEnabledFor(logging.INFO):
        return
    fields = {
        "method": context.method,
        "path": context.path,
        "target": context.target,
        "status": context.status,
        "ms": _ms(perf_counter() - context.started),
        "rows_in": context.rows_in,
        "rows_out": context.rows_out,
        "bytes_in": _integer(context.environ.get("CONTENT_LENGTH")),
        "bytes_out": _integer(_content_length(context.headers)),
    }
    if timings := context.timings:
        fields["decode_ms"] = _ms(timings.decode)
        fields["queue_ms"] = _ms(timings.queue)
        fields["call_ms"] = _ms(timings.call)
        fields["encode_ms"] = _ms(timings.encode)
        fields["batch_size"] = timings.batch_size
    message = "%s %s %s %.1f ms"
    _log.info(message, context.method, context.path, context.status, fields["ms"], extra=fields)


def server_timing(timings: Timings) -> tuple[str, str]:
    """Return the header of W3C's Server Timing."""
    stages = (f"{stage};dur={_ms(getattr(timings, stage))}" for stage in _STAGES)
    return ("Server-Timing", ", ".join(stages))


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _content_length(headers: Iterable[tuple[str, str]]) -> str | None:
    return next((value for name, value in headers if name == "Content-Length"), None)


def _integer(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None
