"""Compares counts with a profile: an index and a p-value for each column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import statistics
from .profile import ColumnProfile, Profile

if TYPE_CHECKING:
    import numpy as np

MIN_ROWS = 200
"""With fewer rows, the index is meaningless."""
MOVED, LARGE = 0.1, 0.25
"""Values of the index that are usually investigated, and acted on."""
SIGNIFICANCE = 0.01
_DISTANCE_BINS = 10


@dataclass(frozen=True)
class Drift:
    """The drift of a column; `p_value` is corrected for the number of columns.

    `expected` and `actual` are the shares of its bins, empty cells first.
    """

    psi: float
    p_value: float
    expected: tuple[float, ...]
    actual: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """The conclusion, in one word."""
        if self.p_value >= SIGNIFICANCE or self.psi < MOVED:
            return "same"
        return "moved" if self.psi < LARGE else "drifted"


def drift_of(profile: Profile, counts: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Drift]:
    """Compare counts by column with a profile; columns without MIN_ROWS rows are left out."""
    sufficient = {name: bins for name, bins in counts.items() if bins.sum() >= MIN_ROWS}
    raw = {name: _p_value(profile, name, bins.tolist()) for name, bins in sufficient.items()}
    p_values = dict(zip(raw, statistics.corrected(list(raw.values())), strict=True))
    return {
        name: Drift(
            statistics.psi(
                *_merged(profile.columns[name], _expected(profile, name), bins.tolist())
            ),
            p_values[name],
            profile.columns[name].shares,
            tuple((bins / bins.sum()).tolist()),
        )
        for name, bins in sufficient.items()
    }


def _expected(profile: Profile, name: str) -> list[float]:
    return [share * profile.rows for share in profile.columns[name].shares]


def _p_value(profile: Profile, name: str, actual: list[int]) -> float:
    """Test numbers as ordered bins, and the share of empty cells separately."""
    expected = _expected(profile, name)
    if not profile.columns[name].is_number:
        return statistics.chi_squared(expected, actual)
    p_value = statistics.kolmogorov_smirnov(expected[1:], actual[1:])
    if not (expected[0] or actual[0]):
        return p_value
    empty = [(bins[0], sum(bins[1:])) for bins in (expected, actual)]
    return min(1.0, 2 * min(p_value, statistics.chi_squared(*empty)))


def _merged(
    column: ColumnProfile, expected: list[float], actual: list[int]
) -> tuple[list[float], list[float]]:
    """Merge neighbouring bins of numbers: over many bins the index grows by chance alone."""
    if not column.is_number:
        return expected, [*actual]
    step = max(1, (len(expected) - 1) // _DISTANCE_BINS)
    return tuple(  # type: ignore[return-value] # two lists
        [bins[0], *(sum(bins[start : start + step]) for start in range(1, len(bins), step))]
        for bins in (expected, actual)
    )
