"""One call of a target, and its record in the log: a few columns, and JSON for the values."""

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
    "seconds": REAL,  # from the request's arrival to its result, before it is encoded
    "rows": WHOLE,  # of the request's tables and arrays; null without one
    "inputs": TEXT,  # JSON: the arguments by name, tables as records
    "result": TEXT,  # JSON; null for an error or a stream
    "detail": TEXT,  # the message of an error
    "errors": TEXT,  # JSON: the positions of an error
}
"""Column → type of its cells."""
JSON_COLUMNS = ("inputs", "result", "errors")


class Failure(NamedTuple):
    """The status of an error, its message, and its positions as JSON."""

    status: int
    detail: str | None
    errors: str | None = None


@dataclass(slots=True)
class Record:
    """A call before its values are encoded as JSON; `time` is in seconds since the epoch.

    `values` are copies, which do not change; `cells` is the number of cells in them and the result.
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
