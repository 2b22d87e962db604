"""The first rows of a table, to be shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codecs import Kind, json_of

if TYPE_CHECKING:
    import pandas as pd

MIN_ROWS = 100
MAX_CELLS = 100_000


def first_rows(table: pd.DataFrame) -> dict[str, Any]:
    """Return `{columns, data, total}`, ready for JSON; `total` counts all rows."""
    count = max(MIN_ROWS, MAX_CELLS // max(1, table.shape[1]))
    names = [str(name) for name in table.columns]
    # Two columns may share a name: an error that should be shown, not fail here.
    numbered = table.head(count).set_axis(range(len(names)), axis="columns")
    data = [list(row.values()) for row in json_of(Kind.TABLE).to_plain(numbered)]
    return {"columns": names, "data": data, "total": len(table)}
