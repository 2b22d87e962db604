"""Outcomes of a table's round trip, best first, and the comparison behind each."""

from __future__ import annotations

import datetime as dt
import math
from ast import literal_eval
from collections.abc import Callable
from typing import Any

import pandas as pd
from fidelity import NO, REFUSED, Outcome, of_bare, of_described

from mmf_core.codecs import replace_invalid

_NEAR = pd.Timedelta("1ms")
_DIGITS = 1e-15


def _same(received: pd.DataFrame, sent: pd.DataFrame) -> bool:
    """Compare names, types and cells; floats to the last bit, by their Python representation."""
    return received.dtypes.tolist() == sent.dtypes.tolist() and _all(
        lambda left, right: repr(left) == repr(right)
    )(received, sent)


def _all(compare: Callable[[Any, Any], bool]) -> Callable[[pd.DataFrame, pd.DataFrame], bool]:
    """Compare names, number of rows and each cell; None represents every null."""

    def compare_tables(received: pd.DataFrame, sent: pd.DataFrame) -> bool:
        return (
            received.columns.tolist() == sent.columns.tolist()
            and len(received) == len(sent)
            and all(
                compare(left, right)
                for name in sent.columns
                for left, right in zip(
                    _cells(_narrowed(received[name], sent[name])), _cells(sent[name]), strict=True
                )
            )
        )

    return compare_tables


def _narrowed(received: pd.Series, sent: pd.Series) -> pd.Series:
    """Return a column for the comparison: 0.1 identifies the float32 exactly."""
    is_double = sent.dtype == "float32" and received.dtype == "float64"
    return received.astype("float32") if is_double else received


def _cells(column: pd.Series) -> list[Any]:
    is_null = column.isna().tolist()
    return [None if null else cell for cell, null in zip(column.tolist(), is_null, strict=True)]


def _equal(received: Any, sent: Any) -> bool:
    if isinstance(sent, list):
        return bool(getattr(received, "tolist", lambda: received)() == sent)
    if isinstance(sent, float) and not sent and received == 0:  # -0.0 and 0.0 are equal in Python
        return math.copysign(1, received) == math.copysign(1, sent)
    return isinstance(received, bool) is isinstance(sent, bool) and bool(received == sent)


def _near(received: Any, sent: Any) -> bool:
    match sent:
        case bool() | None:
            return received is sent
        case int() | float():
            return isinstance(received, int | float) and math.isclose(
                received, sent, rel_tol=_DIGITS
            )
        case pd.Timestamp() | pd.Timedelta() | dt.time():
            return isinstance(received, type(sent)) and abs(_span(received) - _span(sent)) <= _NEAR
    return _equal(received, sent)


def _span(moment: Any) -> Any:
    """Return what can be subtracted: of a time of day, the time since midnight."""
    if isinstance(moment, dt.time):
        return dt.datetime.combine(dt.date.min, moment) - dt.datetime.min
    return moment


def _is_midnight(received: Any, sent: Any) -> bool:
    if type(sent) is dt.date:
        return isinstance(received, dt.datetime) and received == pd.Timestamp(sent)
    return _equal(received, sent)


_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    int: int,
    list: literal_eval,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    pd.Timestamp: pd.Timestamp,
    pd.Timedelta: pd.Timedelta,
}


def _is_text(received: Any, sent: Any) -> bool:
    if isinstance(received, str) and type(sent) in _FROM_TEXT:
        return bool(_FROM_TEXT[type(sent)](received) == sent)
    return _equal(received, sent)


def _is_null(received: Any, sent: Any) -> bool:
    return received is None or _equal(received, sent)


def _is_replaced(received: Any, sent: Any) -> bool:
    return _equal(received, replace_invalid(sent) if isinstance(sent, str) else sent)


OUTCOMES = (
    Outcome("yes", "the same cells, bit for bit, in the same dtype", of_bare(_same)),
    Outcome("schema", "the same, if `schema=` declares the type", of_described(_same)),
    Outcome("values", "the same cells in another dtype", of_bare(_all(_equal))),
    Outcome(
        "schema, values",
        "the same cells in another dtype, if `schema=` declares a date, a number…",
        of_described(_all(_equal)),
    ),
    Outcome(
        "rounded",
        "numbers to 15 digits, and -0.0 is 0; times to the millisecond",
        of_bare(_all(_near)),
    ),
    Outcome("midnight", "a date and time: that day's midnight", of_bare(_all(_is_midnight))),
    Outcome(
        "schema, midnight",
        "the same, if `schema=` declares `datetime`",
        of_described(_all(_is_midnight)),
    ),
    Outcome("text", "an equivalent text", of_bare(_all(_is_text))),
    Outcome("null", "null, for what the format cannot write", of_bare(_all(_is_null))),
    Outcome(
        "\ufffd",
        "each such character is U+FFFD, the replacement character",
        of_bare(_all(_is_replaced)),
    ),
    REFUSED,
    NO,
)
