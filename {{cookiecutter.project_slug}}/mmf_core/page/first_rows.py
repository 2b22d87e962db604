"""The first rows of a table, for people to look at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codecs import Kind, json_of

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 100
MAX_CELLS = 100_000


def first_rows(table: pd.DataFrame) -> dict[str, Any]:
    """Return `{columns, data, total}`, ready for JSON: rows as lists, and how many there are."""
    count = max(MIN_ROWS, MAX_CELLS // max(1, table.shape[1]))
    names = [str(name) for name in table.columns]
    # Two columns may have one name, which is a fault to be shown and not to fail on.
    numbered = table.head(count).set_axis(range(len(names)), axis="columns")
    data = [list(row.values()) for row in json_of(Kind.TABLE).to_plain(numbered)]
    return {"columns": names, "data": data, "total": len(table)}
