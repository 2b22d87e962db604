"""Columns in their declared types, by MLflow's two rules.

JSON is cast, losing what the type cannot hold: 1.5 becomes 1 in a column of `int`, and any text but
the empty one becomes True in a column of `bool`. CSV is read as the declared types, and Parquet
brings its own, which must be the declared ones or smaller. A column with `| None` may be missing.
Everything else, dates and texts included, is left to the descriptor.
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
_NULLABLE_DTYPES: dict[type, Any] = {int: "Int64", float: "float64", bool: "boolean"}
_INT64_LIMIT = 2.0**63


def csv_types(columns: Columns, author_types: Any) -> Any:
    """Return the dtypes to read CSV with; those of the author's `pandas_params` win."""
    if not isinstance(author_types, dict):
        return author_types  # one type for all columns
    types = {
        name: (_NULLABLE_DTYPES if declared.nullable else _DTYPES)[declared.kind]
        for name, declared in columns.items()
        if declared.kind in _DTYPES
    }
    return types | author_types


def is_floats(table: pd.DataFrame, columns: Columns) -> bool:
    """Whether a table is one block of floats in exactly these columns, so needs no cast."""
    return table.columns.tolist() == list(columns) and table.to_numpy().dtype == "float64"


def cast(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with numbers and flags in their types; RequestError names the column."""
    if not table.columns.is_unique:
        return table  # validation against the schema names the duplicate
    series = table.to_dict("series")
    changed = {
        name: _cast(series[name], declared)
        for name, declared in columns.items()
        if name in series
        and declared.kind in _DTYPES
        and series[name].dtype != _DTYPES[declared.kind]
    }
    return table.assign(**changed) if changed else table


def with_optional(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with nulls in place of missing optional columns."""
    present = set(table.columns)
    missing = [
        name for name, declared in columns.items() if declared.nullable and name not in present
    ]
    return table.assign(**dict.fromkeys(missing)) if missing else table


def check_types(table: pd.DataFrame, columns: Columns) -> None:
    """Reject a column that would need a cast to its declared type: InvalidValue."""
    for name, declared in columns.items():
        if name in table and table.columns.is_unique and not _fits(table[name], declared):
            hint = f"is {table[name].dtype}, which cannot be safely converted to {declared!r}"
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
        name = str(column.name)
        raise RequestError(f"column {name} {hint}", [ErrorDetail(hint, column=name)]) from None


def _check_range(column: pd.Series[Any]) -> None:
    """Reject NaN and numbers beyond int64, which NumPy would silently turn into other numbers."""
    if not column.between(-_INT64_LIMIT, _INT64_LIMIT, inclusive="neither").all():
        raise OverflowError("a value is empty, infinite or out of range")


def _fits(column: pd.Series[Any], declared: Column) -> bool:
    kind = column.dtype.kind
    if declared.kind is int:
        return kind in "iu" or (kind == "f" and declared.nullable and column.hasnans)
    if declared.kind is float:
        return kind in "fiu"
    return True
