"""Arrays of numbers as CSV (RFC 4180): two dimensions, a row a line."""

from __future__ import annotations

import csv
import io
from itertools import islice
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import MAX_ERRORS, ErrorDetail, InvalidValue, RequestError
from .base import Codec, Kind, Options
from .columns import bad_cells, places_of
from .formats import Format
from .whole_numbers import unrounded

if TYPE_CHECKING:
    import numpy as np


class ArrayCSV(Codec["np.ndarray"]):
    """Numbers in UTF-8; an empty cell is NaN. A first line without any number is a header.

    They are floats, unless all are whole and some too long for that.

    With the option `columns` a header says where these are, and other columns are left out.
    """

    kind = Kind.ARRAY
    format = Format.CSV
    requires: ClassVar = {"numpy": "numpy"}

    def decode(self, data: bytes, options: Options) -> np.ndarray:
        import numpy as np

        columns, rows = options.get("columns", ()), _read(data)
        header = rows.pop(0) if rows and _is_header(rows[0]) else None
        _refuse_uneven(rows, len(header or (rows[0] if rows else ())))
        if columns and header is not None:
            places = places_of(header, columns)
            rows = [[cells[place] for place in places] for cells in rows]
        numbers = [[_number(cell) for cell in cells] for cells in rows]
        names = columns or header or ()
        if any(isinstance(one, str) for cells in numbers for one in cells):
            faults = bad_cells(numbers, names, gaps=not columns)
            raise InvalidValue("an array holds numbers only", faults)
        width = len(names) if not rows else len(rows[0])
        floats = np.array(numbers, dtype=np.float64).reshape(len(rows), width)
        return unrounded(floats, lambda: [int(cell) for cells in rows for cell in cells])

    def encode(self, value: np.ndarray, options: Options) -> bytes:
        if value.ndim > 2:  # noqa: PLR2004 - rows and columns
            raise ValueError(f"CSV has two dimensions, this array {value.ndim}")
        table = value.reshape(-1, 1) if value.ndim < 2 else value  # noqa: PLR2004
        if table.dtype.kind == "b":
            table = table.astype(int)
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if "columns" in options:
            writer.writerow(options["columns"])
        for row in table.tolist():
            writer.writerow("" if one != one else one for one in row)  # noqa: PLR0124 - NaN
        return buffer.getvalue().encode()


def _read(data: bytes) -> list[list[str]]:
    try:
        text = data.decode("utf-8-sig")
        return [cells for cells in csv.reader(io.StringIO(text), strict=True) if cells]
    except (UnicodeDecodeError, csv.Error) as error:
        raise RequestError(f"this CSV cannot be read: {error}") from None


def _refuse_uneven(rows: list[list[str]], width: int) -> None:
    uneven = (
        ErrorDetail(f"has {len(cells)} values for {width} columns", row=row)
        for row, cells in enumerate(rows)
        if len(cells) != width
    )
    if faults := list(islice(uneven, MAX_ERRORS)):
        raise InvalidValue("every row needs one value for each column", faults)


def _number(cell: str) -> Any:
    """Return NaN for an empty cell, and a cell that is no number as it is."""
    try:
        return float(cell) if "_" not in cell else cell
    except ValueError:
        return cell if cell.strip() else float("nan")


def _is_header(cells: list[str]) -> bool:
    values = [_number(cell) for cell in cells if cell.strip()]
    return bool(values) and all(isinstance(value, str) for value in values)
