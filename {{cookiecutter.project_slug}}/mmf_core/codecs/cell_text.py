"""Cells as text, for the formats that have nothing else."""

from __future__ import annotations

import re
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""Characters that XML 1.0 has no way to write (its production 2)."""


def texts(column: pd.Series) -> list[str | None]:
    """Return a column's cells as CSV writes them, None for null."""
    known = column.notna().tolist()
    return [
        _text(cell) if is_known else None
        for cell, is_known in zip(column.tolist(), known, strict=True)
    ]


def _text(cell: Any) -> str:
    return cell.isoformat(" ") if isinstance(cell, datetime) else str(cell)
