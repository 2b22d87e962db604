"""Rows of tables and arrays: joined into one batch, and split again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from ..codecs import is_block


def signature(value: Any, *, uniform: bool) -> tuple[Any, ...]:
    """Return what two tables or arrays must have in common to be joined: columns and types.

    Nothing if all values are `uniform`: tables with the same columns, as blocks of one type.
    """
    if uniform:
        return ()
    if hasattr(value, "columns"):
        return tuple(value.columns), tuple(value.dtypes)
    return value.shape[1:], value.dtype


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
