"""Cells as text, for formats that have no other types.

A number, a date or a text is what Python writes; a list or an object is its JSON.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from . import json
from .json_conversion import date_texts, to_plain
from .row_text import FormatCells, format_numbers, format_rows, is_numpy

if TYPE_CHECKING:
    import pandas as pd

_NUMPY = set("biufmM")
_PLAIN = (str, int, float, Decimal, date, time, timedelta)


def cell_texts(cells: Any) -> list[str | None]:
    """Return the cells of a column, or of a block of numbers, as CSV writes them, None for null."""
    import numpy as np
    import pandas as pd

    kind, is_own = cells.dtype.kind, is_numpy(cells.dtype)
    if is_own and (kind in "iu" or (kind == "f" and not np.isinf(cells).any())):
        texts = [text.decode() for text in format_numbers(np.asarray(cells))]
        return [None if text == "null" else text for text in texts]
    if cells.dtype == "str":
        return [cell if isinstance(cell, str) else None for cell in cells.tolist()]
    if kind == "M" and isinstance(cells.dtype, np.dtype):
        return [text and text.replace("T", " ") for text in date_texts(np.asarray(cells))]
    flat = cells.ravel()
    return [
        None if is_null else _text(cell)
        for cell, is_null in zip(flat.tolist(), pd.isna(flat).tolist(), strict=True)
    ]


def text_rows(
    table: pd.DataFrame, template: bytes, separator: bytes, format_cells: FormatCells
) -> Iterator[bytes]:
    """Yield the rows that `row_text` formats.

    TypeError names the place and the type of a value that has no text, such as bytes.
    """
    try:
        yield from format_rows(table, template, separator, format_cells)
    except TypeError:
        name_invalid_cell(table)
        raise


def name_invalid_cell(table: pd.DataFrame) -> None:
    """Raise the TypeError that names the first cell of a table that JSON cannot hold."""
    for name, column in table.items():
        _check_cells(str(name), column.tolist())


@contextmanager
def naming_cells(name: str, cells: list[Any]) -> Iterator[None]:
    """Name the row and the column in the TypeError for a cell that JSON cannot hold."""
    try:
        yield
    except TypeError:
        _check_cells(name, cells)
        raise


def _check_cells(name: str, cells: list[Any]) -> None:
    for row, cell in enumerate(cells):  # a list of records would take more memory than the table
        to_plain({name: cell}, (row,))


def simple_cell(cell: Any) -> Any:
    """Return a cell that Python writes as text as it is, any other as its JSON."""
    is_number = getattr(getattr(cell, "dtype", None), "kind", None) in _NUMPY and not cell.shape
    if isinstance(cell, _PLAIN) or is_number or cell is None:
        return cell
    text = json.dumps(cell)
    if text == b"null":
        return None
    return str(json.loads(text)) if text.startswith(b'"') else text.decode()


def simple_cells(column: pd.Series) -> pd.Series:
    """Return a column of objects with simple cells; `map` would round long integers."""
    import pandas as pd

    cells = column.tolist()  # slow for categories
    with naming_cells(str(column.name), cells):
        cells = [simple_cell(cell) for cell in cells]
    return pd.Series(cells, column.index, dtype=object)


def _text(cell: Any) -> str:
    cell = simple_cell(cell)
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)
