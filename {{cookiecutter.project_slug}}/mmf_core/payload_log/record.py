"""One call of a target, and its line in the log: a few columns, and JSON for what was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

OK = 200
TIME, TEXT, WHOLE, REAL = "time", "text", "whole number", "number"
COLUMNS = {
    "time": TIME,  # when the request arrived, in UTC
    "request_id": TEXT,  # as in X-Request-ID
    "target": TEXT,
    "protocol": TEXT,
    "version": TEXT,
    "status": WHOLE,  # 200, or that of the error
    "seconds": REAL,  # from the request's arrival to its answer, which is not yet encoded
    "rows": WHOLE,  # of the request's tables and arrays; null without one
    "inputs": TEXT,  # JSON: the arguments by name, tables as records
    "result": TEXT,  # JSON; null for an error or a stream
    "detail": TEXT,  # of an error, in words
    "errors": TEXT,  # JSON: the places of an error
}
"""Column → what its cells are."""
JSON_COLUMNS = ("inputs", "result", "errors")


class Failure(NamedTuple):
    """The status of an error, its text, and its places as JSON."""

    status: int
    detail: str | None
    errors: str | None = None


@dataclass(slots=True)
class Record:
    """A call before its values are written as JSON; `time` is in seconds since the epoch.

    `values` are copies, which nobody changes; `cells` is how many they and the result have.
    """

    time: float
    request_id: str
    target: str
    protocol: str
    version: str
    seconds: float
    rows: int | None
    values: dict[str, Any]
    result: Any
    failure: Failure | None
    cells: int
