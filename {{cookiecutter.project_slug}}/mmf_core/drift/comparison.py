"""A profile and what came since: a distance and a p-value for each column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from . import statistics
from .profile import ColumnProfile, Profile

if TYPE_CHECKING:
    import numpy as np

LEAST_ROWS = 200
"""Of fewer rows, a distance says nothing."""
MOVED, LARGE = 0.1, 0.25
"""Distances that are usually looked into, and acted on."""
UNLIKELY = 0.01
_DISTANCE_BINS = 10


@dataclass(frozen=True)
class Drift:
    """How far a column has moved: `p_value` is corrected for the number of columns.

    `expected` and `actual` are the shares of its bins, empty cells first.
    """

    psi: float
    p_value: float
    expected: tuple[float, ...]
    actual: tuple[float, ...]

    @property
    def verdict(self) -> str:
        """What to think of it, in a word."""
        if self.p_value >= UNLIKELY or self.psi < MOVED:
            return "same"
        return "moved" if self.psi < LARGE else "drifted"


def drift_of(profile: Profile, counts: Mapping[str, np.ndarray[Any, Any]]) -> dict[str, Drift]:
    """Compare counts by column with a profile; columns without LEAST_ROWS rows are left out."""
    enough = {name: each for name, each in counts.items() if each.sum() >= LEAST_ROWS}
    raw = {name: _p_value(profile, name, each.tolist()) for name, each in enough.items()}
    p_values = dict(zip(raw, statistics.corrected(list(raw.values())), strict=True))
    return {
        name: Drift(
            statistics.psi(
                *_joined(profile.columns[name], _expected(profile, name), each.tolist())
            ),
            p_values[name],
            profile.columns[name].shares,
            tuple((each / each.sum()).tolist()),
        )
        for name, each in enough.items()
    }


def _expected(profile: Profile, name: str) -> list[float]:
    return [share * profile.rows for share in profile.columns[name].shares]


def _p_value(profile: Profile, name: str, actual: list[int]) -> float:
    """Test numbers in their order, and apart from these whether a cell is empty."""
    expected = _expected(profile, name)
    if not profile.columns[name].is_number:
        return statistics.chi_squared(expected, actual)
    p_value = statistics.kolmogorov_smirnov(expected[1:], actual[1:])
    if not (expected[0] or actual[0]):
        return p_value
    empty = [(each[0], sum(each[1:])) for each in (expected, actual)]
    return min(1.0, 2 * min(p_value, statistics.chi_squared(*empty)))


def _joined(
    column: ColumnProfile, expected: list[float], actual: list[int]
) -> tuple[list[float], list[float]]:
    """Join neighbouring bins of numbers: a distance in many bins grows by chance alone."""
    if not column.is_number:
        return expected, [*actual]
    step = max(1, (len(expected) - 1) // _DISTANCE_BINS)
    return tuple(  # type: ignore[return-value] # two lists
        [each[0], *(sum(each[start : start + step]) for start in range(1, len(each), step))]
        for each in (expected, actual)
    )
