"""The types of a table's columns, and its empty cells, without what pandas does to report them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def column_dtypes(table: pd.DataFrame) -> set[Any]:
    """Return the types of a table's columns, as `set(table.dtypes)` does.

    pandas makes a Series for `dtypes`, in 30 µs, which is longer than a small table takes to be
    written, or to be predicted by a linear model. A future pandas may have no blocks.
    """
    blocks = getattr(getattr(table, "_mgr", None), "blocks", None)
    return set(table.dtypes) if blocks is None else {block.dtype for block in blocks}


def is_null(cell: Any) -> bool:
    """Return whether a cell is empty: None, NaN or pandas' own nulls, but no list and no array."""
    import pandas as pd

    return cell is None or (pd.api.types.is_scalar(cell) and bool(pd.isna(cell)))
