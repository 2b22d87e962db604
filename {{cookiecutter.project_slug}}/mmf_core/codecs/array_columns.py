"""Named columns of numbers, put in the order that a model expects.

Used if an array has `columns`: records, and tables with a header, are put in order; bare rows
are expected in that order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue, listed, quoted
from .table_shapes import (
    EQUAL_LENGTHS,
    NOT_A_RECORD,
    ONE_VALUE_PER_COLUMN,
    SPLIT_KEYS,
    text_names,
    unwrap,
)

MISSING_COLUMN = "missing column"


def rows_of(plain: Any, columns: Sequence[str]) -> list[Any]:
    """Return rows in the order of `columns`, from JSON in any of a table's shapes.

    InvalidValue lists the missing columns. Cells are not checked.
    """
    plain = unwrap(plain)
    if isinstance(plain, list):
        return _from_records(plain, columns) if plain and isinstance(plain[0], dict) else plain
    if isinstance(plain, dict) and {"columns", "data"} <= plain.keys() <= SPLIT_KEYS:
        return _from_split(plain["columns"], plain["data"], columns)
    if isinstance(plain, dict) and all(isinstance(values, list) for values in plain.values()):
        return _from_columns(plain, columns)
    raise InvalidValue(
        f'expected rows [[1.5, …], …], records [{{"{columns[0]}": 1.5, …}}, …] '
        f'or {{"{columns[0]}": [1.5, …], …}}'
    )


def column_indices(header: Sequence[Any], columns: Iterable[str]) -> list[int]:
    """Return the positions of the columns in a header; InvalidValue lists missing columns."""
    if missing := [name for name in columns if name not in header]:
        raise InvalidValue(
            f"missing columns: {listed(missing)}",
            [ErrorDetail(MISSING_COLUMN, column=name) for name in missing[:MAX_ERRORS]],
        )
    if repeated := [name for name in columns if header.count(name) > 1]:
        raise InvalidValue(f"duplicate columns: {listed(repeated)}")
    return [header.index(name) for name in columns]


def bad_cells(rows: Iterable[Any], names: Sequence[str], *, gaps: bool) -> list[ErrorDetail]:
    """List the first cells that are not numbers; empty ones, too, unless `gaps` are allowed."""
    return list(islice(_bad_cells(rows, names, gaps=gaps), MAX_ERRORS))


def _bad_cells(rows: Iterable[Any], names: Sequence[str], *, gaps: bool) -> Iterable[ErrorDetail]:
    for row, cells in enumerate(rows):
        for index, cell in enumerate(cells if isinstance(cells, list) else ()):
            column = names[index] if index < len(names) else str(index)
            if cell is None and not gaps:
                yield ErrorDetail("expected a number, got an empty cell", row=row, column=column)
            elif cell is not None and type(cell) not in {int, float}:
                yield ErrorDetail(
                    f"expected a number, got {quoted(cell)}", row=row, column=column, value=cell
                )


def _from_records(records: list[Any], columns: Sequence[str]) -> list[Any]:
    try:
        return [[record[name] for name in columns] for record in records]
    except (KeyError, TypeError):
        errors = list(islice(_bad_records(records, columns), MAX_ERRORS))
        raise InvalidValue(ONE_VALUE_PER_COLUMN, errors) from None


def _bad_records(records: list[Any], columns: Sequence[str]) -> Iterable[ErrorDetail]:
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            yield ErrorDetail(NOT_A_RECORD, row=row, value=record)
            continue
        for name in columns:
            if name not in record:
                yield ErrorDetail(MISSING_COLUMN, row=row, column=name)


def _from_split(header: Any, data: Any, columns: Sequence[str]) -> list[Any]:
    if not isinstance(header, list) or not isinstance(data, list):
        raise InvalidValue('expected "columns" to be a list of names and "data" a list of rows')
    indices = column_indices(text_names(header), columns)
    if uneven := [
        ErrorDetail(f"expected a list of {len(header)} values", row=row)
        for row, cells in enumerate(data)
        if not isinstance(cells, list) or len(cells) != len(header)
    ]:
        raise InvalidValue(ONE_VALUE_PER_COLUMN, uneven[:MAX_ERRORS])
    return [[cells[index] for index in indices] for cells in data]


def _from_columns(plain: dict[str, list[Any]], columns: Sequence[str]) -> list[Any]:
    column_indices(list(plain), columns)
    lists = [plain[name] for name in columns]
    if len({len(values) for values in lists}) > 1:
        raise InvalidValue(EQUAL_LENGTHS)
    return [list(row) for row in zip(*lists, strict=True)]
