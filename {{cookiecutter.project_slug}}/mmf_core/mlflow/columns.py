"""Columns in their declared types, by MLflow's two rules.

JSON is cast, losing what the type cannot hold: 1.5 becomes 1 in a column of `int`, and any text but
the empty one becomes True in a column of `bool`. CSV is read as the declared types, and Parquet
brings its own, which must be the declared ones or smaller. A column with `| None` may be missing.
The columns' own types do the rest, so that no rule rounds a number; dates, texts, bounds and
choices are left to the descriptor.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..codecs import MAX_EXACT_FLOAT, NumberFormat, number_format_of
from ..descriptors import Column
from ..errors import ErrorDetail, InvalidValue, RequestError, max_errors

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Column]


def is_floats(table: pd.DataFrame) -> bool:
    """Return whether all cells are floats, which need no cast to columns of floats."""
    return bool(table.to_numpy().dtype == "float64")


def cast(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with numbers and flags cast as MLflow casts those of JSON.

    RequestError names the column.
    """
    if not table.columns.is_unique:
        return table  # validation against the schema names the duplicate
    return convert(table.assign(**dict(_cast_columns(table, columns))), columns)


def convert(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with numbers and flags in their types; RequestError names the column."""
    if not table.columns.is_unique:
        return table
    number_format = number_format_of(table)
    converted = {}
    for name, declared in columns.items():
        if name in table and declared.kind in _RULES:
            cells = table[name]
            converted[name], misfits = declared.unlimited.convert(cells, number_format)
            if misfits.any():
                raise _unreadable(cells, misfits, declared, number_format)
    return table.assign(**converted)


def _unreadable(
    cells: pd.Series[Any], misfits: Any, declared: Column, number_format: NumberFormat
) -> RequestError:
    name, rows = str(cells.name), misfits.nonzero()[0][: max_errors.get()].tolist()
    wrong = cells.iloc[rows].astype(object)
    errors = [
        ErrorDetail(
            declared.unlimited.explain(value, number_format), row=row, column=name, value=value
        )
        for row, value in zip(rows, wrong.where(wrong.notna(), None).tolist(), strict=True)
    ]
    return RequestError(f"column {name} cannot be read as {declared.type_label}", errors)


def with_optional(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with nulls in place of missing optional columns."""
    optional = {name for name, declared in columns.items() if declared.nullable}
    missing = optional.difference(table.columns) if optional else ()
    return table.assign(**dict.fromkeys(missing)) if missing else table


def check_types(table: pd.DataFrame, columns: Columns) -> None:
    """Reject a column that would need a cast to its declared type: InvalidValue."""
    for name, declared in columns.items():
        if name in table and table.columns.is_unique and not _fits(table[name], declared):
            hint = f"is {table[name].dtype}, which cannot be safely converted to {declared!r}"
            raise InvalidValue(f"column {name} {hint}", [ErrorDetail(hint, column=name)])


def _cast_columns(table: pd.DataFrame, columns: Columns) -> Iterator[tuple[str, Any]]:
    """Yield the columns that hold a cell to cast, each cell by itself."""
    import pandas as pd

    for name, declared in columns.items():
        rule = _RULES.get(declared.kind)
        if rule is None or name not in table or table[name].dtype in _UNCHANGED[declared.kind]:
            continue
        cells = [rule(cell) for cell in table[name].tolist()]
        yield name, pd.Series(cells, table.index, dtype=object)


def _to_int(cell: Any) -> Any:
    """Return an integer in place of a flag, or of a float that can have stood for no other."""
    if isinstance(cell, bool) or (isinstance(cell, float) and abs(cell) < MAX_EXACT_FLOAT):
        return int(cell)
    return cell


def _to_float(cell: Any) -> Any:
    return float(cell) if isinstance(cell, bool) else cell


def _to_bool(cell: Any) -> Any:
    """Return whether a text is not empty, or a number not 0; a null stays one."""
    is_value = isinstance(cell, str | int | float) and cell == cell  # noqa: PLR0124 - NaN
    return bool(cell) if is_value else cell


_RULES: dict[type, Callable[[Any], Any]] = {int: _to_int, float: _to_float, bool: _to_bool}
_UNCHANGED = {int: ("int64", "Int64"), float: ("float64", "int64"), bool: ("bool", "boolean")}
"""The types of columns in which a rule changes no cell."""


def _fits(column: pd.Series[Any], declared: Column) -> bool:
    from pandas.api.types import infer_dtype

    kind = column.dtype.kind
    if declared.kind is int:
        return kind in "iu" or (kind == "f" and declared.nullable and column.hasnans)
    if declared.kind is float:
        return kind in "fiu" or infer_dtype(column) == "decimal"
    return True
