"""Errors of a table that does not match its schema: wrong names, and the first invalid cells."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..codecs import NumberFormat
from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue, listed, max_errors, quoted
from .column_names import describe_others, similar_names
from .failed_checks import DUPLICATE, MISSING, UNKNOWN

if TYPE_CHECKING:
    import pandas as pd

    from .columns import Column


def duplicate_columns(names: Sequence[Any]) -> InvalidValue:
    """Return the error for a table in which a name occurs twice."""
    return invalid_table({DUPLICATE: [name for name, count in Counter(names).items() if count > 1]})


def invalid_table(
    wrong_columns: Mapping[str, list[Any]],
    cells: Sequence[ErrorDetail] = (),
    misfits: int = 0,
    others: Sequence[str] = (),
) -> InvalidValue:
    """Return the error for columns by what is wrong with them, and for cells.

    `misfits` counts all of those, `cells` are the first; `others` are names that a missing column
    may have been meant by.
    """
    missing = wrong_columns.get(MISSING, [])
    similar = similar_names(missing, others)
    column_errors = [
        ErrorDetail(
            error.removesuffix("s") + _did_you_mean(similar.get(name)),
            column=str(name),
        )
        for error, names in wrong_columns.items()
        for name in names[:MAX_ERRORS]
    ]
    parts = [f"{error}: {listed(names)}" for error, names in wrong_columns.items()]
    if missing and others and UNKNOWN not in wrong_columns:
        parts.insert(1, describe_others([*dict.fromkeys([*similar.values(), *others])]))
    if misfits:
        parts.append(
            "1 cell does not match the schema"
            if misfits == 1
            else f"{misfits} cells do not match the schema"
        )
    limit = max_errors.get()
    if sum(map(len, wrong_columns.values())) + misfits > limit:
        parts.append(f"the first {limit} errors are listed")
    return InvalidValue("; ".join(parts), [*column_errors, *cells][:limit])


def _did_you_mean(name: str | None) -> str:
    return "" if name is None else f"; did you mean {quoted(name)}?"


def cell_errors(
    cells: pd.Series[Any], rows: Any, declared: Column, number_format: NumberFormat
) -> Iterator[ErrorDetail]:
    """Yield an error for each cell of a column in these rows."""
    wrong = cells.iloc[rows]
    for row, cell, is_empty in zip(rows.tolist(), wrong.tolist(), wrong.isna(), strict=True):
        value = None if is_empty else cell
        message = declared.explain(value, number_format)
        yield ErrorDetail(message, row=row, column=str(cells.name), value=value)
