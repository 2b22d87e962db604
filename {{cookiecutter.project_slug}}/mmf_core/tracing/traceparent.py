"""The header `traceparent`: which trace a request belongs to (W3C Trace Context, 3.2)."""

from __future__ import annotations

import re

# ff is not a valid version; versions after 00 may continue after another hyphen (4.3).
_TRACEPARENT = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?P<trace_id>(?!0{32})[0-9a-f]{32})"
    r"-(?P<span_id>(?!0{16})[0-9a-f]{16})-[0-9a-f]{2}(?P<more>-.*)?"
)


def parse_traceparent(header: str) -> dict[str, str]:
    """Return the caller's `trace_id` and `span_id` in hexadecimal; {} for an invalid header."""
    match = _TRACEPARENT.fullmatch(header.strip(" \t"))
    if match is None or (match["version"] == "00" and match["more"]):
        return {}
    return {name: match[name] for name in ("trace_id", "span_id")}
