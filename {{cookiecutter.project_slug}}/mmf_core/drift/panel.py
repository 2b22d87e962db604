"""The drift of columns as the page shows it: figures, and shares of bins, largest drift first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from .comparison import LEAST_ROWS, drift_of
from .observer import TargetCounter, counted
from .profile import ColumnProfile


def panel() -> list[dict[str, Any]]:
    """Return what the page shows of each target and version; nothing of private columns."""
    return [
        {
            "target": route,
            "version": version,
            "rows": max(int(each.sum()) for each in counts.values()),
            "least": LEAST_ROWS,
            "columns": [*_columns(counter, counts)],
        }
        for (route, _), counter in counted().items()
        for version, counts in counter.counts().items()
    ]


def _columns(
    counter: TargetCounter, counts: Mapping[str, np.ndarray[Any, Any]]
) -> Iterator[dict[str, Any]]:
    columns = drift_of(counter.profile, counts).items()
    for name, each in sorted(columns, key=lambda item: item[1].psi, reverse=True):
        if name not in counter.private:
            yield {
                "column": name,
                "psi": each.psi,
                "p_value": each.p_value,
                "verdict": each.verdict,
                "bins": _bins(counter.profile.columns[name]),
                "expected": each.expected,
                "actual": each.actual,
            }


def _bins(column: ColumnProfile) -> list[str | None]:
    """Return the labels of the bins; None for those without a name, empty cells and others."""
    labels: list[str | None] = [None, *column.labels()[1:]]
    if not column.edges:
        labels[-1] = None
    return labels
