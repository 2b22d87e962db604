"""A result that is one array of numbers, before pandas makes a table of it.

A table of one row takes pandas longer than a small model needs, and JSON needs no table.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .column_labels import column_index

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd


_MAX_NUMBERS = 10_000  # a larger table takes its time in any case


@dataclass(slots=True, eq=False)
class NumberTable:
    """Columns of NumPy's numbers or bools, in one array of two dimensions that is nobody else's."""

    names: tuple[str, ...]
    array: np.ndarray[Any, Any]

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, rows: slice) -> NumberTable:
        return NumberTable(self.names, self.array[rows])

    def to_frame(self) -> pd.DataFrame:
        """Return the table, its rows counted from 0."""
        import pandas as pd

        return pd.DataFrame(self.array, columns=column_index(self.names), copy=False)


def number_table(result: Any) -> NumberTable | None:
    """Return the table of an array of numbers, copied: the function may write to it again."""
    import numpy as np

    if type(result) is not np.ndarray or result.dtype.kind not in "biuf":
        return None
    if not 0 < result.size <= _MAX_NUMBERS:
        return None
    match result.shape:
        case (rows,):
            return NumberTable(("prediction",), result.reshape(rows, 1).copy())
        case (_, width):
            return NumberTable(tuple(prediction_names(width)), result.copy())
    return None


def prediction_names(width: int) -> list[str]:
    """Return the names of the columns of an array of two dimensions."""
    return [f"prediction_{index}" for index in range(width)]


def as_frame(result: Any) -> Any:
    """Return a result as codecs and users know it: a `NumberTable` as a table."""
    return result.to_frame() if type(result) is NumberTable else result
