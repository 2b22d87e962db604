"""Whole numbers that became floats for want of a common type, and were rounded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

MAX_EXACT_FLOAT = 2**53
"""Up to here a float holds every whole number; above it, it may have lost digits."""


def restore_integers(floats: np.ndarray, integers: Callable[[], list[int]]) -> np.ndarray:
    """Return int64 or uint64 if floats are too coarse for the cells.

    `integers` returns all cells; it raises TypeError or ValueError unless they are all whole, and
    then they stay floats.
    """
    import numpy as np

    if not floats.size or not np.abs(floats).max() >= MAX_EXACT_FLOAT:
        return floats
    with suppress(TypeError, ValueError):
        cells = integers()
        for dtype in (np.int64, np.uint64):
            with suppress(OverflowError):
                return np.array(cells, dtype).reshape(floats.shape)
    return floats


def integers_with_nulls(values: np.ndarray, empty: np.ndarray) -> Any:
    """Return floats with NaN for the `empty` ones, or pandas' Int64 or UInt64 if these lose digits.

    `values` are int64 or uint64.
    """
    import numpy as np
    import pandas as pd

    floats = values.astype(np.float64)
    floats[empty] = np.nan
    if (np.abs(floats) >= MAX_EXACT_FLOAT).any():
        return pd.arrays.IntegerArray(values, empty)
    return floats
