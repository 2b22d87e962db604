"""The types of a table's columns, and how cells are converted to them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from ..errors import ErrorDetail, InvalidValue
from .json_schemas import DATETIME

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One type of column.

    `schema` describes a cell in JSON (JSON Schema); `convert` leaves nulls in place of cells that
    do not fit; `dtype` is the final type of a column without nulls.
    """

    type_label: str
    example: Any
    schema: Mapping[str, Any]
    convert: Callable[[pd.Series[Any]], pd.Series[Any]]
    dtype: Any = None


def _numbers(column: Any) -> Any:
    """Return float64 or int64 with NaN for everything else, true and false included."""
    import pandas as pd

    if column.dtype.kind not in "iuf":
        column = column.astype(object).mask(column.map(lambda value: isinstance(value, bool)))
    return pd.to_numeric(column, errors="coerce")


def _to_float(column: Any) -> Any:
    return _numbers(column).astype("float64")


def _to_int(column: Any) -> Any:
    numbers = _numbers(column)
    lowest = -(2.0**63)
    # The lowest value as a float may have been a longer number whose last digits are lost.
    is_in_range = numbers > lowest if numbers.dtype.kind == "f" else numbers >= lowest
    fits = (numbers % 1 == 0) & is_in_range & (numbers < 2**63)
    return numbers.where(fits).astype("Int64")


def _to_bool(column: Any) -> Any:
    words = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    values = column.astype(str).str.lower().map(words).astype(object)
    return values.where(values.notna(), None)  # a column of nulls alone would be floats


def _to_text(column: Any) -> Any:
    return column.where(column.map(lambda value: isinstance(value, str)))


def _to_datetime(column: Any) -> Any:
    import pandas as pd

    if column.dtype.kind != "M":  # a bare number is not a date
        column = column.where(column.map(lambda value: isinstance(value, str | date)))
    try:
        return pd.to_datetime(column, errors="coerce", format="ISO8601")
    except ValueError:  # pandas keeps one offset for a whole column
        message = "expected the same UTC offset, such as Z, in all dates of a column, or none"
        raise InvalidValue(message, [ErrorDetail(message, column=column.name)]) from None


_INT64 = {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}
TYPES: dict[type, ColumnType] = {
    str: ColumnType("text", "text", {"type": "string"}, _to_text),
    int: ColumnType("a whole number", 1, _INT64, _to_int, dtype="int64"),
    float: ColumnType("a number", 0.5, {"type": "number"}, _to_float),
    bool: ColumnType("true or false", True, {"type": "boolean"}, _to_bool, dtype="bool"),
    datetime: ColumnType("a date and time", "2026-01-31T12:00:00", DATETIME, _to_datetime),
}
