"""`traceparent`: the trace that a request belongs to (W3C Trace Context, 3.2)."""

from __future__ import annotations

import re
from typing import NamedTuple

# Version ff is none; later versions than 00 may go on after another hyphen (4.3).
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})-(?P<span>(?!0{16})[0-9a-f]{16})"
    r"-[0-9a-f]{2}(?P<more>-.*)?"
)


class Trace(NamedTuple):
    """A trace, and the span in it that log lines belong to, in hexadecimal."""

    trace_id: str
    span_id: str


def parse_traceparent(header: str) -> Trace | None:
    """Return the caller's trace and span; None where the header is not valid, as it is told to."""
    match = _TRACEPARENT.fullmatch(header.strip(" \t"))
    if match is None or (match["version"] == "00" and match["more"]):
        return None
    return Trace(match["trace"], match["span"])
