"""A table's schema: column → type, as MMF writes it, held against a whole table at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

from ..errors import MAX_FAULTS, DescriptorError, Fault, InvalidValue

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class ColumnType:
    """What a column of one type holds, and how it becomes that.

    `convert` leaves null whatever does not fit; `dtype` is what a column without nulls ends as.
    """

    noun: str
    example: Any
    convert: Callable[[pd.Series[Any]], pd.Series[Any]]
    dtype: Any = None


class Schema:
    """Columns in order: `str`, `int`, `float`, `bool`, `datetime`; `float | None` has nulls."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = {name: _parse(name, declared) for name, declared in columns.items()}
        self.is_block = all(kind is float for kind, _ in self.columns.values())
        self._names = list(self.columns)

    def __str__(self) -> str:
        kinds = {
            name: kind.__name__ + " | None" * null for name, (kind, null) in self.columns.items()
        }
        return f"{{{', '.join(f'{name!r}: {kind}' for name, kind in kinds.items())}}}"

    @property
    def texts(self) -> list[str]:
        """The columns that must be read as text, so that 007 stays 007."""
        return [name for name, (kind, _) in self.columns.items() if kind is str]

    def example(self) -> dict[str, Any]:
        """Return one plausible row."""
        return {name: TYPES[kind].example for name, (kind, _) in self.columns.items()}

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the schema's columns in its order and types, without any others.

        InvalidValue lists every missing column, or the first 20 cells that do not fit.
        """
        given = table.columns.tolist()
        if given != self._names:
            table = table[self._present(given)]
        if self.is_block and (block := _floats(table)) is not None:
            return block
        return self._convert(table)

    def _present(self, given: list[Any]) -> list[str]:
        missing = [name for name in self._names if name not in given]
        if missing:
            raise InvalidValue(
                f"missing: {', '.join(missing)}",
                [Fault("this column is missing", column=name) for name in missing],
            )
        if any(given.count(name) > 1 for name in self._names):
            raise InvalidValue("a column is given twice")
        return self._names

    def _convert(self, table: pd.DataFrame) -> pd.DataFrame:
        import pandas as pd

        columns: dict[str, Any] = {}
        faults: list[Fault] = []
        wrong = 0
        for name, (kind, nullable) in self.columns.items():
            given, type_ = table[name], TYPES[kind]
            column = type_.convert(given)
            empty = column.isna()
            columns[name] = (
                column if type_.dtype is None or empty.any() else column.astype(type_.dtype)
            )
            lost = empty & given.notna() if nullable else empty
            wrong += int(lost.sum())
            faults += _faults(
                given[lost], lost.to_numpy().nonzero()[0][:MAX_FAULTS], name, type_.noun
            )
        if faults:
            faults.sort(key=lambda fault: fault.row or 0)
            listed = f"; the first {MAX_FAULTS} are listed" * (wrong > MAX_FAULTS)
            raise InvalidValue(
                f"cells that do not fit the schema: {wrong}{listed}", faults[:MAX_FAULTS]
            )
        return pd.DataFrame(columns, index=table.index)


def _parse(name: str, declared: Any) -> tuple[type, bool]:
    parts = set(get_args(declared)) if get_origin(declared) in {Union, UnionType} else {declared}
    kinds = parts - {NoneType}
    if len(kinds) != 1 or not kinds <= TYPES.keys():
        known = ", ".join(one.__name__ for one in TYPES)
        raise DescriptorError(
            f"schema: column {name!r} is {declared!r}; it can be {known}, or one of them | None"
        )
    return kinds.pop(), NoneType in parts


def _faults(values: Any, rows: Any, name: str, noun: str) -> Iterator[Fault]:
    for row, value, empty in zip(rows, values, values.isna(), strict=False):
        if empty:
            yield Fault(f"is empty where {noun} is needed", row=int(row), column=name)
        else:
            yield Fault(f"is not {noun}", row=int(row), column=name, value=value)


def _floats(table: pd.DataFrame) -> pd.DataFrame | None:
    """Return a table of numbers as one block of floats; None if something else or null is in it."""
    import numpy as np

    block = table.to_numpy()  # no copy where it is one block already
    if block.dtype.kind not in "iuf":
        return None
    floats = block.astype(np.float64, copy=False)
    if np.isnan(floats).any():
        return None
    if floats is block:
        return table
    return type(table)(floats, index=table.index, columns=table.columns)


def _numbers(column: Any) -> Any:
    """Return float64 or int64, NaN for what is no number; true and false are none."""
    import pandas as pd

    if column.dtype.kind not in "iuf":
        column = column.astype(object).mask(column.map(lambda value: isinstance(value, bool)))
    return pd.to_numeric(column, errors="coerce")


def _to_float(column: Any) -> Any:
    return _numbers(column).astype("float64")


def _to_int(column: Any) -> Any:
    numbers = _numbers(column)
    fits = (numbers % 1 == 0) & (numbers >= -(2**63)) & (numbers < 2**63)
    return numbers.where(fits).astype("Int64")


def _to_bool(column: Any) -> Any:
    words = {"true": True, "1": True, "1.0": True, "false": False, "0": False, "0.0": False}
    return column.astype(str).str.lower().map(words)


def _to_text(column: Any) -> Any:
    return column.where(column.map(lambda value: isinstance(value, str)))


def _to_datetime(column: Any) -> Any:
    import pandas as pd

    if column.dtype.kind != "M":  # a bare number is no date
        column = column.where(column.map(lambda value: isinstance(value, str | date)))
    try:
        return pd.to_datetime(column, errors="coerce", format="ISO8601")
    except ValueError:  # pandas keeps one offset for a whole column
        hint = "send all dates of a column with one offset, such as Z, or all without"
        raise InvalidValue(hint, [Fault(hint, column=column.name)]) from None


TYPES: dict[type, ColumnType] = {
    str: ColumnType("a text", "text", _to_text),
    int: ColumnType("a whole number", 1, _to_int, dtype="int64"),
    float: ColumnType("a number", 0.5, _to_float),
    bool: ColumnType("true or false", True, _to_bool, dtype="bool"),
    datetime: ColumnType("a date and time", "2026-01-31T12:00:00", _to_datetime),
}
