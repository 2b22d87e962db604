"""Arrays of numbers as CSV (RFC 4180): two dimensions, one row per line."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue, RequestError
from . import csv_rows
from .array_columns import bad_cells, column_indices
from .base import Codec, Kind, Options
from .encoded_size import check_array, joined
from .formats import Format
from .number_format import any_number, cell_overflow_error
from .table_shapes import ONE_VALUE_PER_COLUMN, uneven_rows
from .whole_numbers import exact_array

if TYPE_CHECKING:
    import numpy as np

_MOST_VALUES = 14_000_000  # as of a table


class ArrayCSV(Codec["np.ndarray"]):
    """Numbers in UTF-8; an empty cell is NaN. A first line of names, above rows, is a header.

    The numbers are floats, unless all are whole and some are too long for a float; with the option
    `floats` the nearest floats. With `columns` the header, which may then be numbers, gives their
    places, and other columns are left out.
    """

    kind = Kind.ARRAY
    format = Format.CSV
    requires: ClassVar = {"numpy": "numpy"}
    memory_weights: ClassVar = {b"\n": 360, b",": 70}

    def decode(self, data: bytes, options: Options) -> np.ndarray:
        import numpy as np

        columns, rows = options.get("columns", ()), _read(data)
        header = rows.pop(0) if rows and _is_header(rows, columns) else None
        width = len(header or (rows[0] if rows else ()))
        if uneven := uneven_rows(rows, width):
            raise InvalidValue(ONE_VALUE_PER_COLUMN, uneven)
        if columns and header is not None:
            indices = column_indices(header, columns)
            rows = [[cells[index] for index in indices] for cells in rows]
        numbers = [[_number(cell) for cell in cells] for cells in rows]
        names = columns or header or ()
        if any(isinstance(cell, str) for cells in numbers for cell in cells):
            errors = bad_cells(numbers, names, gaps=not columns)
            raise InvalidValue("expected numbers only in an array", errors)
        width = len(names) if not rows else len(rows[0])
        floats = np.array(numbers, dtype=np.float64).reshape(len(rows), width)
        if options.get("floats"):
            return floats
        try:
            return exact_array(floats, lambda: map(any_number, chain.from_iterable(rows)))
        except OverflowError:
            raise cell_overflow_error(_places(rows, names)) from None

    def encode(self, value: np.ndarray, options: Options) -> bytes:
        if value.ndim > 2:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"CSV holds at most two dimensions, got {value.ndim}")
        table = value.reshape(-1, 1) if value.ndim < 2 else value  # noqa: PLR2004
        rows, width = table.shape
        if not table.size and (rows or (width and "columns" not in options)):
            raise ValueError(f"CSV cannot hold the shape {value.shape} of an array without values")
        check_array((table.size,), "CSV", _MOST_VALUES)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if "columns" in options:
            writer.writerow(options["columns"])
        header = buffer.getvalue().encode()
        return joined(chain([header], csv_rows.number_rows(table)), "CSV", options)


def _read(data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        rows = [*csv.reader(io.StringIO(text), strict=True)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestError(f"this CSV cannot be read: {error}") from None
    while rows and not rows[-1]:
        rows.pop()
    filled = [cells for cells in rows if cells]
    if filled and len(filled[0]) == 1 and [] in rows[rows.index(filled[0]) :]:
        line = rows.index([], rows.index(filled[0])) + 1
        raise InvalidValue(f'line {line} is blank; write "" for a null')
    return filled


def _places(rows: list[list[str]], names: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    for row, cells in enumerate(rows):
        for index, cell in enumerate(cells):
            yield row, names[index] if index < len(names) else str(index), cell


def _number(cell: str) -> Any:
    """Return a float, NaN for an empty cell, or the cell itself if it is not a number."""
    try:  # as `number_format` reads it, several times faster
        return float(cell) if cell.isascii() and "_" not in cell else cell
    except ValueError:
        return cell if cell.strip() else float("nan")


def _is_header(rows: list[list[str]], columns: Collection[str]) -> bool:
    cells, *others = rows
    if columns and set(columns) <= set(cells):  # which may be numbers
        return True
    words = [_number(cell) for cell in cells if cell.strip()]
    if not words or not all(isinstance(word, str) for word in words):
        return False
    return bool(columns or others) and not {word.lower() for word in words} <= {"true", "false"}
