"""The types of a table's columns, and how cells are converted to them.

A column of numbers, flags or dates is converted as a whole. Any other column holds exact values,
texts among them, and is converted cell by cell, so that each cell depends on no other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from math import inf
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from ..codecs import (
    MAX_EXACT_FLOAT,
    NumberFormat,
    is_ambiguous,
    max_exact_float,
    real_number,
    whole_number,
)
from .date_columns import date_hint, datetime_hint, to_date, to_datetime, to_zone, zone_hint
from .json_schemas import DATE, DATETIME, moment_schema
from .zones import Zone

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_MIN_INT64, _MAX_INT64 = -(2**63), 2**63 - 1
_SURROGATE = re.compile("[\ud800-\udfff]")
_WORDS = {"true": True, "false": False}
_SMALLEST_LIMIT = 2**11
"""Up to here a float of 16 bits holds every whole number."""
_NUMBER_SIGNS = frozenset("0123456789+-.,' ")


@dataclass(frozen=True, slots=True)
class ColumnType:
    """One type of column.

    `schema` describes a cell in JSON (JSON Schema). `convert` leaves nulls in place of cells that
    do not fit; the column is then of `dtype`, or of `nullable` if it may have nulls. `hint` says
    how to correct a cell that did not fit, or nothing.
    """

    type_label: str
    example: Any
    schema: Mapping[str, Any]
    convert: Callable[[pd.Series[Any], NumberFormat], pd.Series[Any]]
    dtype: Any = None
    nullable: Any = None
    hint: Callable[[Any, NumberFormat], str] = lambda _cell, _number_format: ""


def _to_float(column: pd.Series[Any], number_format: NumberFormat) -> pd.Series[Any]:
    import numpy as np

    if column.dtype == np.float64:
        return column
    if column.dtype.kind in "iuf":
        floats = _array(column, "float64", np.nan)
    else:
        cells = [_float(cell, number_format) for cell in column.tolist()]
        floats = np.array(cells, dtype="float64")
    return _series(floats, column)


def _float(cell: Any, number_format: NumberFormat) -> float | None:
    """Return the float that is nearest to a number, or None."""
    if isinstance(cell, str):
        return real_number(cell, *number_format)
    if not _is_number(cell):
        return None
    try:
        return float(cell)
    except OverflowError:  # an int of more than 308 digits
        return inf if cell > 0 else -inf


def _is_number(cell: Any) -> bool:
    """Return whether a cell is a number of Python's or NumPy's; a bool is none."""
    return isinstance(cell, Real | Decimal) and not isinstance(cell, bool)


def _to_int(column: pd.Series[Any], number_format: NumberFormat) -> pd.Series[Any]:
    import numpy as np

    kind = column.dtype.kind
    if column.dtype == np.int64:
        return column
    if kind == "f":
        floats = _array(column, "float64", np.nan)
        with np.errstate(invalid="ignore"):  # the remainder of infinity
            fits = (floats % 1 == 0) & (np.abs(floats) < max_exact_float(column.dtype))
        return _masked(np.where(fits, floats, 0).astype("int64"), fits, column)
    if kind == "u":
        numbers = _array(column, "uint64", 0)
        fits = column.notna().to_numpy() & (numbers <= _MAX_INT64)
        return _masked(numbers.astype("int64"), fits, column)
    if kind == "i":
        return _masked(_array(column, "int64", 0), column.notna().to_numpy(), column)
    cells = [_int(cell, number_format) for cell in column.tolist()]
    integers = np.array([cell or 0 for cell in cells], dtype="int64")
    return _masked(integers, _are_given(cells), column)


def _int(cell: Any, number_format: NumberFormat) -> int | None:
    """Return the same whole number of 64 bits, or None.

    A float of 2**53 or more, of 2**24 if it has 32 bits, is not accepted: other whole numbers may
    have been rounded to it.
    """
    number = None
    if isinstance(cell, str):
        number = whole_number(cell, *number_format)
    elif not _is_number(cell):
        return None
    elif isinstance(cell, Integral):
        number = int(cell)
    elif isinstance(cell, Decimal):
        # compared first: int() would write out all digits of 1E+999999999
        if cell.is_finite() and _MIN_INT64 <= cell <= _MAX_INT64 and cell == int(cell):
            number = int(cell)
    elif abs(value := float(cell)) < _limit(cell) and value.is_integer():
        number = int(value)
    return number if number is None or _MIN_INT64 <= number <= _MAX_INT64 else None


def _limit(cell: Any) -> int:
    return max_exact_float(cell) if hasattr(cell, "dtype") else MAX_EXACT_FLOAT


def _to_bool(column: pd.Series[Any], number_format: NumberFormat) -> pd.Series[Any]:
    import numpy as np

    if column.dtype == np.bool_:
        return column
    if column.dtype.kind == "b":
        return _masked(_array(column, "bool", False), column.notna().to_numpy(), column)
    if column.dtype.kind in "iuf":
        numbers = _array(column, "float64", np.nan)
        return _masked(numbers == 1, (numbers == 1) | (numbers == 0), column)
    cells = [_bool(cell, number_format) for cell in column.tolist()]
    return _masked(np.array(list(map(bool, cells)), dtype=bool), _are_given(cells), column)


def _bool(cell: Any, number_format: NumberFormat) -> bool | None:
    """Return true or false, or None; 1 and 0 stand for them."""
    import numpy as np

    if isinstance(cell, bool | np.bool_):
        return bool(cell)
    if isinstance(cell, str) and (word := cell.lower()) in _WORDS:
        return _WORDS[word]
    number = _int(cell, number_format)
    return bool(number) if number in {0, 1} else None


def _to_text(column: pd.Series[Any], _number_format: NumberFormat) -> pd.Series[Any]:
    import pandas as pd

    if column.dtype == "str":
        return column
    cells = [cell if isinstance(cell, str) else None for cell in column.tolist()]
    try:
        return pd.Series(cells, index=column.index, name=column.name, dtype="str")
    except UnicodeEncodeError:
        # Half of a surrogate pair is not a character.
        texts = [cell and (None if _SURROGATE.search(cell) else cell) for cell in cells]
        return pd.Series(texts, index=column.index, name=column.name, dtype="str")


def _array(column: pd.Series[Any], dtype: str, null: Any) -> np.ndarray[Any, Any]:
    """Return a column of numbers or flags as an array of NumPy's."""
    import numpy as np

    if isinstance(column.dtype, np.dtype):
        return column.to_numpy().astype(dtype, copy=False)
    return column.to_numpy(dtype=dtype, na_value=null)


def _are_given(cells: list[Any]) -> np.ndarray[Any, Any]:
    import numpy as np

    return np.array([cell is not None for cell in cells], dtype=bool)


def _masked(
    values: np.ndarray[Any, Any], fits: np.ndarray[Any, Any], column: pd.Series[Any]
) -> pd.Series[Any]:
    """Return integers or flags with nulls in place of those that do not fit."""
    import pandas as pd

    if fits.all():
        return _series(values, column)
    array_type = pd.arrays.BooleanArray if values.dtype == bool else pd.arrays.IntegerArray
    return _series(array_type(values, ~fits), column)


def _series(values: Any, column: pd.Series[Any]) -> pd.Series[Any]:
    """Return new values in a column's place."""
    import pandas as pd

    return pd.Series(values, index=column.index, name=column.name, copy=False)


def _float_hint(cell: Any, number_format: NumberFormat) -> str:
    value = _float(cell, number_format)
    if value is None:
        return _text_hint(cell, number_format)
    return "send a finite number" if abs(value) == inf else ""


def _int_hint(cell: Any, number_format: NumberFormat) -> str:
    is_float = _is_number(cell) and not isinstance(cell, Integral | Decimal)
    if is_float and abs(float(cell)) >= _SMALLEST_LIMIT and float(cell).is_integer():
        return "a float of this size may have lost digits: send an integer or a text"
    if isinstance(cell, str) and real_number(cell, *number_format) is not None:
        return ""  # it is well written, but not whole, or too long
    return _text_hint(cell, number_format)


def _text_hint(cell: Any, number_format: NumberFormat) -> str:
    """Return how to write the numbers in a text that have signs of another format."""
    if not isinstance(cell, str) or set(cell) - _NUMBER_SIGNS or set(cell).isdisjoint(".,' "):
        return ""
    if not number_format.is_proven and is_ambiguous(cell):
        fraction, whole = float(cell.replace(",", ".")), re.sub("[ .,]", "", cell)
        return (
            f"it may be {fraction:g} or {whole}: no number in this file shows its decimal sign, "
            'which the author declares: pandas_params={"decimal": ","}'
        )
    if number_format.decimal == ".":
        return "write numbers with a decimal point and without thousands signs"
    return (
        "this file has decimal commas, and thousands signs are not read: "
        "remove them, or the author declares them in pandas_params"
    )


_INT64 = {"type": "integer", "minimum": _MIN_INT64, "maximum": _MAX_INT64}
TYPES: dict[type, ColumnType] = {
    str: ColumnType("text", "text", {"type": "string"}, _to_text, "str", "str"),
    int: ColumnType("a whole number", 1, _INT64, _to_int, "int64", "Int64", _int_hint),
    float: ColumnType(
        "a number", 0.5, {"type": "number"}, _to_float, "float64", "float64", _float_hint
    ),
    bool: ColumnType("true or false", True, {"type": "boolean"}, _to_bool, "bool", "boolean"),
    date: ColumnType(
        "a date", "2026-01-31", DATE, to_date, "datetime64[us]", "datetime64[us]", date_hint
    ),
    datetime: ColumnType(
        "a date and time", "2026-01-31T12:00:00", DATETIME, to_datetime, hint=datetime_hint
    ),
}
READ_AS: Mapping[type, type] = {date: datetime}
"""The types that codecs know, of those that they do not."""


def type_of(kind: type, zone: Zone | None, dtype: Any) -> ColumnType:
    """Return the type of a column of a Python type, in a zone, or of a dtype of its own."""
    if kind is float and dtype is not None and dtype != "Float64":
        return replace(TYPES[kind], type_label=f"a number of {str(dtype).lower()}")
    if zone is None:
        return TYPES[kind]
    return replace(
        TYPES[kind],
        type_label=zone.type_label,
        schema=moment_schema(zone),
        convert=to_zone(zone),
        hint=zone_hint(zone),
    )
