"""The index and p-values, compared with scipy's and with their meaning."""

import numpy as np
import pytest
from scipy import stats

from mmf_core.drift import statistics

RANDOM = np.random.default_rng(1)


def counts(bins: int, rows: int) -> list[float]:
    places = RANDOM.integers(0, bins, rows)
    return np.bincount(places, minlength=bins).astype(float).tolist()


@pytest.mark.parametrize("bins", [2, 3, 10, 100])
@pytest.mark.parametrize("rows", [50, 1_000, 100_000])
def test_chi_squared_is_that_of_scipy(bins: int, rows: int) -> None:
    expected, actual = counts(bins, 700), counts(bins, rows)
    actual[0] += rows // 10
    table = np.array([expected, actual])
    theirs = stats.chi2_contingency(table[:, table.sum(axis=0) > 0], correction=False).pvalue
    assert statistics.chi_squared(expected, actual) == pytest.approx(theirs, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("value", [0.25, 0.5, 1.0, 1.36, 2.0, 4.0])
def test_kolmogorovs_distribution_is_that_of_scipy(value: float) -> None:
    ours = statistics._kolmogorov(value)
    assert ours == pytest.approx(float(stats.kstwobign.sf(value)), rel=1e-6, abs=1e-12)


def test_kolmogorov_smirnov_detects_a_shift_and_ignores_chance() -> None:
    p_values = []
    for _ in range(300):
        old, new = RANDOM.normal(size=1_000), RANDOM.normal(size=500)
        edges = np.quantile(old, np.linspace(0, 1, 21))[1:-1]
        binned = [np.bincount(np.searchsorted(edges, x), minlength=20) for x in (old, new)]
        p_values.append(statistics.kolmogorov_smirnov(*(x.tolist() for x in binned)))
    assert np.mean(np.array(p_values) < 0.05) <= 0.08, "careful, or right"
    moved = np.bincount(np.searchsorted(edges, new + 0.3), minlength=20)
    assert statistics.kolmogorov_smirnov(binned[0].tolist(), moved.tolist()) < 0.001


def test_index_is_zero_for_the_same_and_grows_with_the_distance() -> None:
    assert statistics.psi([10, 20, 30], [100, 200, 300]) < 0.002
    assert statistics.psi([500, 500], [500, 500]) == 0
    shares = statistics.psi([50_000, 50_000], [60_000, 40_000])
    assert shares == pytest.approx(0.1 * np.log(1.2) - 0.1 * np.log(0.8), rel=1e-3)
    assert statistics.psi([100, 0], [0, 100]) > 5


def test_p_value_of_nothing_to_compare_is_1() -> None:
    assert statistics.kolmogorov_smirnov([0, 0], [1, 2]) == 1
    assert statistics.chi_squared([0, 0], [1, 2]) == 1
    assert statistics.chi_squared([5, 0], [7, 0]) == 1
    assert statistics.chi_squared([5, 5], [5, 5]) == 1


def test_p_values_of_many_columns_are_corrected_by_holm() -> None:
    assert statistics.corrected([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert statistics.corrected([0.5, 0.9]) == [1.0, 1.0]
    assert statistics.corrected([]) == []
    false = [min(statistics.corrected(RANDOM.random(20).tolist())) < 0.05 for _ in range(1_000)]
    assert sum(false) < 85, "5 % ± 5 standard deviations"
