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
from .json_conversion import to_plain

if TYPE_CHECKING:
    import pandas as pd

_NUMPY = set("biufmM")
_PLAIN = (str, int, float, Decimal, date, time, timedelta)


def cell_texts(column: pd.Series) -> list[str | None]:
    """Return a column's cells as CSV writes them, None for null.

    TypeError names the place and the type of a value that has no text, such as bytes.
    """
    with naming_cells(str(column.name), column.tolist()):
        return [
            None if is_null else _text(cell)
            for cell, is_null in zip(column.tolist(), column.isna().tolist(), strict=True)
        ]


@contextmanager
def naming_cells(name: str, cells: list[Any]) -> Iterator[None]:
    """Name the row and the column in the TypeError for a cell that JSON cannot hold."""
    try:
        yield
    except TypeError:
        to_plain([{name: cell} for cell in cells])
        raise


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

    with naming_cells(str(column.name), column.tolist()):
        cells = [simple_cell(cell) for cell in column.tolist()]
    return pd.Series(cells, column.index, dtype=object)


def _text(cell: Any) -> str:
    cell = simple_cell(cell)
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)
