"""Dates and times in texts: the extended format of ISO 8601, and nothing that resembles it.

`2026-01-31`, or `2026-01-31T12:00` with optional seconds, up to six decimals of them, and an
offset: `Z`, `+03:00`, `+0300` or `+03`; a space may stand for the T. A date is its midnight. Words
such as `now`, years alone, months alone and `20260131`, which may be a number, are not dates.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import date, datetime, time
from typing import Any

_DATE_TIME = (
    r"(?!0000)[0-9]{4}-[0-9]{2}-[0-9]{2}"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,6}%s)?+)?+"
    r"(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?+)?+)?+"
)
_TEXT = re.compile(_DATE_TIME % "0*+")
_LINES = re.compile(rf"(?:{_DATE_TIME % ''}\n)*+")


def parse_date_time(text: str) -> datetime:
    """Return the date and time; ValueError for other texts, and for fractions of a microsecond."""
    if not _TEXT.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not an ISO 8601 date and time")
    return datetime.fromisoformat(text)


def are_date_times(texts: Sequence[str]) -> bool:
    """Return whether all texts have the format and at most six decimals; some day may not exist."""
    lines = "\n".join([*texts, ""])
    return lines.count("\n") == len(texts) and _LINES.fullmatch(lines) is not None


def exact_date_times(cells: Iterable[Any]) -> list[datetime | None]:
    """Return the `exact_date_time` of each cell, in a third of the time."""
    matches, parse = _TEXT.fullmatch, datetime.fromisoformat
    moments: list[datetime | None] = []
    for cell in cells:
        moment = None
        if type(cell) is not str:
            moment = exact_date_time(cell)
        elif matches(cell):
            with suppress(ValueError):
                moment = parse(cell)
        moments.append(moment)
    return moments


def exact_date_time(cell: Any) -> datetime | None:
    """Return a date and time to the microsecond, or None."""
    import numpy as np
    import pandas as pd

    with suppress(ValueError, NotImplementedError, OverflowError):  # of a year beyond 9999
        if isinstance(cell, np.datetime64):
            cell = pd.Timestamp(cell)
        if isinstance(cell, str):
            return parse_date_time(cell)
        if cell is pd.NaT:
            return None
        if isinstance(cell, pd.Timestamp):
            return None if cell.nanosecond else cell.to_pydatetime()
        if isinstance(cell, datetime):
            return cell
        if isinstance(cell, date):
            return datetime.combine(cell, time.min)
    return None
