"""Statistics of how two distributions differ, from counts in the same bins.

The population stability index is an effect size, which does not grow with the number of rows; a
p-value says whether chance explains it. The Kolmogorov-Smirnov test of binned numbers is
conservative: the largest distance may be inside a bin.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

_MAX_TERMS = 1_000
_PRECISION = 1e-12
_TINY = 1e-300
_SMOOTHING = 0.5
Counts = Sequence[float]


def psi(expected: Counts, actual: Counts) -> float:
    """Return the population stability index; half a row is added to each bin, so that none is 0."""
    old, new = _shares(expected), _shares(actual)
    return math.fsum((b - a) * math.log(b / a) for a, b in zip(old, new, strict=True))


def kolmogorov_smirnov(expected: Counts, actual: Counts) -> float:
    """Return the p-value of ordered bins, by the two-sample Kolmogorov-Smirnov test."""
    old, new = sum(expected), sum(actual)
    if not old or not new:
        return 1.0
    distance = left = right = 0.0
    for a, b in zip(expected, actual, strict=True):
        left, right = left + a / old, right + b / new
        distance = max(distance, abs(left - right))
    root = math.sqrt(old * new / (old + new))
    return _kolmogorov((root + 0.12 + 0.11 / root) * distance)


def chi_squared(expected: Counts, actual: Counts) -> float:
    """Return the p-value of unordered bins, by Pearson's chi-squared test of two samples."""
    old, new = sum(expected), sum(actual)
    pairs = [(a, b) for a, b in zip(expected, actual, strict=True) if a + b]
    if not old or not new or len(pairs) < 2:  # noqa: PLR2004 - one bin has no shares
        return 1.0
    ratio = math.sqrt(new / old)
    statistic = sum((ratio * a - b / ratio) ** 2 / (a + b) for a, b in pairs)
    return _upper_gamma((len(pairs) - 1) / 2, statistic / 2)


def corrected(p_values: Sequence[float]) -> list[float]:
    """Return p-values corrected for all columns together, by Holm's method."""
    order = sorted(range(len(p_values)), key=lambda index: p_values[index])
    results, largest = [0.0] * len(p_values), 0.0
    for position, index in enumerate(order):
        largest = max(largest, min(1.0, (len(p_values) - position) * p_values[index]))
        results[index] = largest
    return results


def _shares(counts: Counts) -> list[float]:
    total = sum(counts) + _SMOOTHING * len(counts)
    return [(count + _SMOOTHING) / total for count in counts]


def _kolmogorov(value: float) -> float:
    """Return the survival function of Kolmogorov's distribution."""
    if value < 0.2:  # noqa: PLR2004 - 1 to thirteen digits
        return 1.0
    terms = [math.exp(-2 * (j * value) ** 2) for j in range(1, _MAX_TERMS)]
    return min(1.0, max(0.0, 2 * (sum(terms[::2]) - sum(terms[1::2]))))


def _upper_gamma(a: float, x: float) -> float:
    """Return the regularized upper incomplete gamma function (Numerical Recipes, 6.2)."""
    if x <= 0:
        return 1.0
    front = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:
        term = total = 1 / a
        for step in range(1, _MAX_TERMS):
            term *= x / (a + step)
            total += term
            if term < total * _PRECISION:
                break
        return max(0.0, 1 - front * total)
    b, c = x + 1 - a, 1 / _TINY
    d = 1 / b
    result = d
    for step in range(1, _MAX_TERMS):  # Lentz's continued fraction
        factor, b = -step * (step - a), b + 2
        d = 1 / (factor * d + b or _TINY)
        c = b + factor / c or _TINY
        result *= d * c
        if abs(d * c - 1) < _PRECISION:
            break
    return front * result
