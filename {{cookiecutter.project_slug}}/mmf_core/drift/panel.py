"""The drift of columns for the page: figures, and the shares of bins, largest drift first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .comparison import MIN_ROWS, drift_of
from .observer import TargetCounter, counters
from .profile import ColumnProfile


def panel() -> list[dict[str, Any]]:
    """Return the drift of each target and version, without private columns."""
    return [
        {
            "target": route,
            "version": version,
            "rows": max(int(bins.sum()) for bins in counts.values()),
            "least": MIN_ROWS,
            "columns": [*_columns(counter, counts)],
        }
        for (route, _), counter in counters().items()
        for version, counts in counter.counts().items()
    ]


def _columns(
    counter: TargetCounter, counts: Mapping[str, np.ndarray[Any, Any]]
) -> Iterator[dict[str, Any]]:
    columns = drift_of(counter.profile, counts).items()
    for name, drift in sorted(columns, key=lambda item: item[1].psi, reverse=True):
        if name not in counter.private:
            yield {
                "column": name,
                "psi": drift.psi,
                "p_value": drift.p_value,
                "verdict": drift.verdict,
                "bins": _bins(counter.profile.columns[name]),
                "expected": drift.expected,
                "actual": drift.actual,
            }


def _bins(column: ColumnProfile) -> list[str | None]:
    """Return the labels of the bins; None for those without a name, empty cells and others."""
    labels: list[str | None] = [None, *column.labels()[1:]]
    if not column.edges:
        labels[-1] = None
    return labels
