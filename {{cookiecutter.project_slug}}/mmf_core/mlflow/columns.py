"""Columns in their declared types, by MLflow's two rules.

JSON is cast, and loses what the type cannot hold: 1.5 becomes 1 where a column is `int`, any text
but an empty one True where it is `bool`. CSV is read as these types, and Parquet has its own, which
must be the declared ones or smaller. A column with `| None` may be missing. What is left over,
dates and texts among it, is the descriptor's to check.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..descriptors import Column
from ..errors import ErrorDetail, InvalidValue, RequestError

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Column]

_DTYPES: dict[type, Any] = {int: "int64", float: "float64", bool: "bool"}
_READ: dict[type, Any] = {int: "Int64", float: "float64", bool: "boolean"}
"""What CSV is read as where cells may be empty."""
_LARGEST = 2.0**63


def reading(columns: Columns, asked: Any) -> Any:
    """Return what CSV is read as; what the author asked for wins."""
    if not isinstance(asked, dict):
        return asked  # one type for all columns
    types = {
        name: (_READ if one.nullable else _DTYPES)[one.kind]
        for name, one in columns.items()
        if one.kind in _DTYPES
    }
    return types | asked


def is_floats(table: pd.DataFrame, columns: Columns) -> bool:
    """Whether a table is one block of floats, of these very columns: nothing is left to do."""
    return table.columns.tolist() == list(columns) and table.to_numpy().dtype == "float64"


def cast(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table whose numbers and flags have their types; RequestError names the column."""
    if not table.columns.is_unique:
        return table  # the schema tells which
    given = table.to_dict("series")
    new = {
        name: _cast(given[name], one)
        for name, one in columns.items()
        if name in given and one.kind in _DTYPES and given[name].dtype != _DTYPES[one.kind]
    }
    return table.assign(**new) if new else table


def with_optional(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with nulls for the columns that may be missing and are."""
    there = set(table.columns)
    missing = [name for name, one in columns.items() if one.nullable and name not in there]
    return table.assign(**dict.fromkeys(missing)) if missing else table


def check_types(table: pd.DataFrame, columns: Columns) -> None:
    """Refuse columns that bring another type than the declared one, for which they need a cast."""
    for name, one in columns.items():
        if name in table and table.columns.is_unique and not _fits(table[name], one):
            hint = f"is {table[name].dtype}, which cannot safely become {one!r}"
            raise InvalidValue(f"column {name} {hint}", [ErrorDetail(hint, column=name)])


def _cast(column: pd.Series[Any], declared: Column) -> pd.Series[Any]:
    if declared.kind is not float and declared.nullable and column.hasnans:
        return column
    try:
        if declared.kind is int and column.dtype.kind in "uf":
            _check_range(column)
        return column.astype(_DTYPES[declared.kind])
    except (TypeError, ValueError, OverflowError) as error:
        hint = f"cannot be read as {declared.type_label}: {str(error)[:100]}"
        place = str(column.name)
        raise RequestError(f"column {place} {hint}", [ErrorDetail(hint, column=place)]) from None


def _check_range(column: pd.Series[Any]) -> None:
    """Refuse NaN and what int64 cannot hold: NumPy would make some other number of it."""
    if not column.between(-_LARGEST, _LARGEST, inclusive="neither").all():
        raise OverflowError("it is empty, infinite or has too many digits")


def _fits(column: pd.Series[Any], declared: Column) -> bool:
    kind = column.dtype.kind
    if declared.kind is int:
        return kind in "iu" or (kind == "f" and declared.nullable and column.hasnans)
    if declared.kind is float:
        return kind in "fiu"
    return True
