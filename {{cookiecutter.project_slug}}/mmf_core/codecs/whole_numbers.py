"""Whole numbers that became floats for want of a common type, and were rounded."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

EXACT = 2**53  # below it a float holds every whole number


def unrounded(floats: np.ndarray, cells: Callable[[], list[int]]) -> np.ndarray:
    """Return the cells as int64 or uint64 where floats are too coarse for them.

    `cells` raises TypeError or ValueError if they are not all whole: then they stay floats.
    """
    import numpy as np

    if not floats.size or not np.abs(floats).max() >= EXACT:
        return floats
    with suppress(TypeError, ValueError):
        numbers = cells()
        for dtype in (np.int64, np.uint64):
            with suppress(OverflowError):
                return np.array(numbers, dtype).reshape(floats.shape)
    return floats
