"""The bins of all columns of a profile, numbered: those of one column follow those of another."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import accumulate
from typing import Any, TypeAlias

import numpy as np

from .profile import PREDICTION, ColumnProfile

Array: TypeAlias = np.ndarray[Any, Any]


class TableBins:
    """Finds the bins of cells; `inputs` are the columns without the predictions."""

    def __init__(self, columns: Mapping[str, ColumnProfile]) -> None:
        self._columns = columns
        *starts, self.size = accumulate((len(bins.shares) for bins in columns.values()), initial=0)
        self._starts = dict(zip(columns, starts, strict=True))
        self.inputs = [name for name in columns if name != PREDICTION]
        self.has_predictions = PREDICTION in columns
        numbers = [name for name in self.inputs if columns[name].is_number]
        self._categories = [name for name in self.inputs if not columns[name].is_number]
        self._positions = {name: position for position, name in enumerate(self.inputs)}
        self._numbers = np.array([self._positions[name] for name in numbers], np.intp)
        self._number_starts = np.array([[self._starts[name]] for name in numbers])
        longest = max((len(columns[name].edges) for name in numbers), default=0)
        self._edges = np.full((len(numbers), longest, 1), np.inf)  # no number is above infinity
        for edges, name in zip(self._edges, numbers, strict=True):
            edges[: len(columns[name].edges), 0] = columns[name].edges

    def of_columns(self, columns: Iterable[Any]) -> Array:
        """Return the bin of each cell of the inputs, column by column."""
        pairs = zip(self.inputs, columns, strict=True)
        return np.concatenate([self._of(name, cells) for name, cells in pairs])

    def of_rows(self, cells: Array) -> Array:
        """Do the same for an array of rows: the numbers of all columns at once."""
        if cells.dtype.kind not in "iuf":
            return self.of_columns(cells.T)
        numbers = np.ascontiguousarray(cells.T[self._numbers], np.float64)
        bins = (numbers[:, np.newaxis] > self._edges).sum(axis=1, dtype=np.uint16).astype(np.intp)
        bins += 1
        bins[np.isnan(numbers)] = 0
        bins += self._number_starts
        others = [self._of(name, cells[:, self._positions[name]]) for name in self._categories]
        return np.concatenate([bins.ravel(), *others])

    def of_predictions(self, predictions: Any) -> Array:
        """Return the bin of each prediction."""
        return self._of(PREDICTION, predictions)

    def by_column(self, counts: Array) -> dict[str, Array]:
        """Divide counts of all bins by column."""
        return {
            name: counts[start : start + len(self._columns[name].shares)]
            for name, start in self._starts.items()
        }

    def _of(self, name: str, cells: Any) -> Array:
        return self._starts[name] + self._columns[name].bins_of(cells)
