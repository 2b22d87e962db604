"""Cells as text, for formats that have no other types."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def cell_texts(column: pd.Series) -> list[str | None]:
    """Return a column's cells as CSV writes them, None for null."""
    return [
        None if is_null else _text(cell)
        for cell, is_null in zip(column.tolist(), column.isna().tolist(), strict=True)
    ]


def _text(cell: Any) -> str:
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)
