"""Columns in their declared types, before their validation, so that errors have MLflow's codes.

Numbers and flags are converted by the columns' own types, which change no value. Parquet brings
types of its own, which must be the declared ones or smaller. A column with `| None` may be missing.
Dates, texts, bounds and choices are left to the descriptor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..codecs import NumberFormat, number_format_of
from ..descriptors import Column, converted, read_cells
from ..errors import ErrorDetail, InvalidValue, RequestError, max_errors

if TYPE_CHECKING:
    import pandas as pd

Columns = Mapping[str, Column]
_CONVERTED = {int, float, bool}


def is_floats(table: pd.DataFrame) -> bool:
    """Return whether all cells are floats, which need no cast to columns of floats."""
    return bool(table.to_numpy().dtype == "float64")


def convert(table: pd.DataFrame, columns: Columns, *, lenient: bool = False) -> pd.DataFrame:
    """Return a table with numbers and flags in their types; RequestError names the cells.

    With `lenient`, texts are read as people write them, as validation does.
    """
    if not table.columns.is_unique:
        return table  # validation against the schema names the duplicate
    number_format = number_format_of(table)
    new_columns: dict[str, Any] = {}
    unreadable: list[str] = []
    errors: list[ErrorDetail] = []
    unlimited = {
        name: declared.unlimited
        for name, declared in columns.items()
        if name in table and declared.kind in _CONVERTED
    }
    for name, column, misfits in converted(table, unlimited):
        new_columns[name] = column
        if misfits.any():
            declared = columns[name]
            unreadable.append(f"column {name} cannot be read as {declared.type_label}")
            errors += _errors(table[name], misfits, declared, number_format)
    if errors and lenient:
        present = {name: column for name, column in columns.items() if name in table}
        return convert(read_cells(table, present), columns)
    if errors:
        raise RequestError("; ".join(unreadable), errors[: max_errors.get()])
    return table.assign(**new_columns)


def _errors(
    cells: pd.Series[Any], misfits: Any, declared: Column, number_format: NumberFormat
) -> Iterator[ErrorDetail]:
    rows = misfits.nonzero()[0][: max_errors.get()].tolist()
    wrong = cells.iloc[rows].astype(object)
    for row, value in zip(rows, wrong.where(wrong.notna(), None).tolist(), strict=True):
        message = declared.unlimited.explain(value, number_format)
        yield ErrorDetail(message, row=row, column=str(cells.name), value=value)


def with_optional(table: pd.DataFrame, columns: Columns) -> pd.DataFrame:
    """Return a table with nulls in place of missing optional columns."""
    optional = {name for name, declared in columns.items() if declared.is_optional}
    missing = optional.difference(table.columns) if optional else ()
    return table.assign(**dict.fromkeys(missing)) if missing else table


def check_types(table: pd.DataFrame, columns: Columns) -> None:
    """Reject a column that would need a cast to its declared type: InvalidValue."""
    for name, declared in columns.items():
        if name in table and table.columns.is_unique and not _fits(table[name], declared):
            hint = f"is {table[name].dtype}, which cannot be safely converted to {declared.summary}"
            raise InvalidValue(f"column {name} {hint}", [ErrorDetail(hint, column=name)])


def _fits(column: pd.Series[Any], declared: Column) -> bool:
    from pandas.api.types import infer_dtype

    kind = column.dtype.kind
    if declared.kind is int:
        return kind in "iu" or (kind == "f" and declared.nullable and column.hasnans)
    if declared.kind is float:
        return kind in "fiu" or infer_dtype(column) == "decimal"
    return True
