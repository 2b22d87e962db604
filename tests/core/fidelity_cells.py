"""Outcomes of a table's round trip, best first, and the comparison behind each."""

from __future__ import annotations

import datetime as dt
import math
from ast import literal_eval
from collections.abc import Callable
from typing import Any

import pandas as pd
from fidelity import NO, REFUSED, CallResult, of_bare, of_described

from mmf_core.codecs import replace_invalid

_NEAR = pd.Timedelta("1ms")
_DIGITS = 1e-15


def _same(arrived: pd.DataFrame, sent: pd.DataFrame) -> bool:
    """Compare names, types and cells; floats to the last bit, by what Python calls them."""
    return arrived.dtypes.tolist() == sent.dtypes.tolist() and _all(
        lambda left, right: repr(left) == repr(right)
    )(arrived, sent)


def _all(compare: Callable[[Any, Any], bool]) -> Callable[[pd.DataFrame, pd.DataFrame], bool]:
    """Compare names, number of rows and each cell; None represents every null."""

    def compare_tables(arrived: pd.DataFrame, sent: pd.DataFrame) -> bool:
        return (
            arrived.columns.tolist() == sent.columns.tolist()
            and len(arrived) == len(sent)
            and all(
                compare(left, right)
                for name in sent.columns
                for left, right in zip(
                    _cells(_narrowed(arrived[name], sent[name])), _cells(sent[name]), strict=True
                )
            )
        )

    return compare_tables


def _narrowed(arrived: pd.Series, sent: pd.Series) -> pd.Series:
    """Return a column for the comparison: 0.1 identifies the float32 exactly."""
    is_double = sent.dtype == "float32" and arrived.dtype == "float64"
    return arrived.astype("float32") if is_double else arrived


def _cells(column: pd.Series) -> list[Any]:
    is_null = column.isna().tolist()
    return [None if null else cell for cell, null in zip(column.tolist(), is_null, strict=True)]


def _equal(arrived: Any, sent: Any) -> bool:
    if isinstance(sent, list):
        return bool(getattr(arrived, "tolist", lambda: arrived)() == sent)
    if isinstance(sent, float) and not sent and arrived == 0:  # -0.0 and 0.0 are equal in Python
        return math.copysign(1, arrived) == math.copysign(1, sent)
    return isinstance(arrived, bool) is isinstance(sent, bool) and bool(arrived == sent)


def _near(arrived: Any, sent: Any) -> bool:
    match sent:
        case bool() | None:
            return arrived is sent
        case int() | float():
            return isinstance(arrived, int | float) and math.isclose(arrived, sent, rel_tol=_DIGITS)
        case pd.Timestamp() | pd.Timedelta() | dt.time():
            return isinstance(arrived, type(sent)) and abs(_span(arrived) - _span(sent)) <= _NEAR
    return _equal(arrived, sent)


def _span(moment: Any) -> Any:
    """Return what can be subtracted: of a time of day, the time since midnight."""
    if isinstance(moment, dt.time):
        return dt.datetime.combine(dt.date.min, moment) - dt.datetime.min
    return moment


def _is_midnight(arrived: Any, sent: Any) -> bool:
    if type(sent) is dt.date:
        return isinstance(arrived, dt.datetime) and arrived == pd.Timestamp(sent)
    return _equal(arrived, sent)


_FROM_TEXT: dict[type, Callable[[str], Any]] = {
    int: int,
    list: literal_eval,
    dt.date: dt.date.fromisoformat,
    dt.time: dt.time.fromisoformat,
    pd.Timestamp: pd.Timestamp,
    pd.Timedelta: pd.Timedelta,
}


def _is_text(arrived: Any, sent: Any) -> bool:
    if isinstance(arrived, str) and type(sent) in _FROM_TEXT:
        return bool(_FROM_TEXT[type(sent)](arrived) == sent)
    return _equal(arrived, sent)


def _is_null(arrived: Any, sent: Any) -> bool:
    return arrived is None or _equal(arrived, sent)


def _is_replaced(arrived: Any, sent: Any) -> bool:
    return _equal(arrived, replace_invalid(sent) if isinstance(sent, str) else sent)


OUTCOMES = (
    CallResult("yes", "the same cells, bit for bit, in the same dtype", of_bare(_same)),
    CallResult("schema", "the same, if `schema=` says the type", of_described(_same)),
    CallResult("values", "the same cells in another dtype", of_bare(_all(_equal))),
    CallResult(
        "schema, values",
        "the same cells in another dtype, if `schema=` says that it is a date, a number…",
        of_described(_all(_equal)),
    ),
    CallResult(
        "rounded",
        "numbers to 15 digits, and -0.0 is 0; times to the millisecond",
        of_bare(_all(_near)),
    ),
    CallResult("midnight", "a date and time: that day's midnight", of_bare(_all(_is_midnight))),
    CallResult(
        "schema, midnight",
        "the same, if `schema=` says `datetime`",
        of_described(_all(_is_midnight)),
    ),
    CallResult("text", "a text that says the same", of_bare(_all(_is_text))),
    CallResult("null", "null, for what the format has no way to write", of_bare(_all(_is_null))),
    CallResult(
        "\ufffd",
        "each such character is U+FFFD, the sign for a lost character",
        of_bare(_all(_is_replaced)),
    ),
    REFUSED,
    NO,
)
