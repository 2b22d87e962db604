"""Named columns of numbers, in the order that a model wants: rows of whatever names them.

Used where an array has `columns`: records, and tables with a header, are put in order; bare rows
are taken as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue

_WRAPPERS = {"dataframe_split", "dataframe_records", "instances", "inputs"}  # MLflow's
_SPLIT = {"columns", "data", "index"}


def rows_of(plain: Any, columns: Sequence[str]) -> list[Any]:
    """Return rows in the order of `columns`, of JSON in any of a table's shapes or bare rows.

    InvalidValue lists what is missing. Cells are whatever was sent.
    """
    if isinstance(plain, dict) and len(plain) == 1 and _WRAPPERS.intersection(plain):
        (plain,) = plain.values()
    if isinstance(plain, list):
        return _from_records(plain, columns) if plain and isinstance(plain[0], dict) else plain
    if isinstance(plain, dict) and {"columns", "data"} <= plain.keys() <= _SPLIT:
        return _from_split(plain["columns"], plain["data"], columns)
    if isinstance(plain, dict) and all(isinstance(values, list) for values in plain.values()):
        return _from_columns(plain, columns)
    raise InvalidValue(
        f'send rows, records [{{"{columns[0]}": 1.5, …}}, …] or {{"{columns[0]}": [1.5, …], …}}'
    )


def places_of(given: Sequence[Any], columns: Iterable[str]) -> list[int]:
    """Return where the columns stand in a header; InvalidValue lists those that are missing."""
    if missing := [name for name in columns if name not in given]:
        raise InvalidValue(
            f"missing: {', '.join(missing)}",
            [ErrorDetail("this column is missing", column=name) for name in missing[:MAX_ERRORS]],
        )
    if any(given.count(name) > 1 for name in columns):
        raise InvalidValue("a column is given twice")
    return [given.index(name) for name in columns]


def bad_cells(rows: Iterable[Any], names: Sequence[str], *, gaps: bool) -> list[ErrorDetail]:
    """List the first cells that are no number; empty ones, too, unless `gaps` may be."""
    return list(islice(_bad_cells(rows, names, gaps=gaps), MAX_ERRORS))


def _bad_cells(rows: Iterable[Any], names: Sequence[str], *, gaps: bool) -> Iterable[ErrorDetail]:
    for row, cells in enumerate(rows):
        for place, cell in enumerate(cells if isinstance(cells, list) else ()):
            column = names[place] if place < len(names) else str(place)
            if cell is None and not gaps:
                yield ErrorDetail("is empty where a number is needed", row=row, column=column)
            elif cell is not None and type(cell) not in {int, float}:
                yield ErrorDetail("is not a number", row=row, column=column, value=cell)


def _from_records(records: list[Any], columns: Sequence[str]) -> list[Any]:
    try:
        return [[record[name] for name in columns] for record in records]
    except (KeyError, TypeError):
        faults = list(islice(_bad_records(records, columns), MAX_ERRORS))
        raise InvalidValue("every row needs a value for each column", faults) from None


def _bad_records(records: list[Any], columns: Sequence[str]) -> Iterable[ErrorDetail]:
    for row, record in enumerate(records):
        if not isinstance(record, dict):
            yield ErrorDetail("a record is an object: column name → value", row=row, value=record)
            continue
        for name in columns:
            if name not in record:
                yield ErrorDetail("this column is missing", row=row, column=name)


def _from_split(given: Any, data: Any, columns: Sequence[str]) -> list[Any]:
    if not isinstance(given, list) or not isinstance(data, list):
        raise InvalidValue('"columns" is a list of names and "data" a list of rows')
    places = places_of(given, columns)
    if uneven := [
        ErrorDetail(f"is not a list of {len(given)} values", row=row)
        for row, cells in enumerate(data)
        if not isinstance(cells, list) or len(cells) != len(given)
    ]:
        raise InvalidValue("every row needs one value for each column", uneven[:MAX_ERRORS])
    return [[cells[place] for place in places] for cells in data]


def _from_columns(plain: dict[str, list[Any]], columns: Sequence[str]) -> list[Any]:
    places_of(list(plain), columns)
    wanted = [plain[name] for name in columns]
    if len({len(values) for values in wanted}) > 1:
        raise InvalidValue("every column needs the same number of values")
    return [list(row) for row in zip(*wanted, strict=True)]
