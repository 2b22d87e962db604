"""Rows of tables and arrays: joined into one batch, and split again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from ..codecs import is_block


def signature(value: Any, *, uniform: bool) -> tuple[Any, ...]:
    """Return what two tables or arrays must have in common to be joined: columns and types.

    Nothing if all values are `uniform`: tables with the same columns, as blocks of one type. A
    table with an index of its own, which a joined one would lose, is like no other.
    """
    if not hasattr(value, "columns"):
        return () if uniform else (value.shape[1:], value.dtype)
    if not _is_counted(value.index):
        return (object(),)
    if uniform:
        return ()
    # 1, 1.0 and true are equal, and so are categories in another order
    names = repr(value.columns.tolist())
    return names, tuple((dtype, *_categories(dtype)) for dtype in value.dtypes)


def in_order(value: Any) -> Any:
    """Return the result of a batch, its rows counted; None if they are reordered.

    They may be where the index is data, such as that of groups, which come sorted.
    """
    if not hasattr(value, "columns") or _is_counted(value.index):
        return value
    if is_named(value.index):
        return None
    labels = value.index.tolist()
    counted = list(range(len(labels)))
    if labels == counted:
        return value.reset_index(drop=True)
    is_other_order = value.index.dtype.kind in "iu" and sorted(labels) == counted
    return None if is_other_order else value


def is_named(index: Any) -> bool:
    """Return whether an index is data, which does not say what rows these are."""
    return any(name is not None for name in index.names)


def _is_counted(index: Any) -> bool:
    """Return whether an index only counts the rows."""
    import pandas as pd

    is_range = isinstance(index, pd.RangeIndex)
    return is_range and (index.start, index.step, index.name) == (0, 1, None)


def _categories(dtype: Any) -> tuple[Any, ...]:
    return tuple(getattr(dtype, "categories", ()))


def join(values: Sequence[Any], *, uniform: bool) -> Any:
    """Return all rows in order; the values have one signature."""
    import numpy as np
    import pandas as pd

    first = values[0]
    if not hasattr(first, "columns"):
        return np.concatenate(values)
    if uniform or is_block(first):
        blocks = [table.to_numpy() for table in values]
        return pd.DataFrame(np.concatenate(blocks), columns=first.columns)
    return pd.concat(values, ignore_index=True)


def split(value: Any, counts: Iterable[int]) -> Iterator[Any]:
    """Yield slices of a table or an array, with these numbers of rows."""
    rows = value.iloc if hasattr(value, "iloc") else value
    for start, end in pairwise(accumulate(counts, initial=0)):
        yield rows[start:end]
