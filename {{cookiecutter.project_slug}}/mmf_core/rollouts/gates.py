"""Gates: what rolls a candidate back, and what holds it at its step."""

from __future__ import annotations

import math
import urllib.request
from http.client import HTTPException

from .plan import Gates
from .strategies import Figures

URL_TIMEOUT = 5.0  # seconds
_Z = 2.33
"""Standard deviations: by chance alone a rate seems too high in one check of a hundred."""
QUANTILE = 0.95
MIN_SLOWDOWN = 0.005
"""Seconds; a smaller slowdown is ignored, however short the calls are."""


def breach(gates: Gates, figures: Figures) -> str:
    """Return the gate that the candidate fails, with its figures; empty if it passes all.

    A rate counts as too high only if chance does not explain it: its lower confidence limit
    (Wilson, one-sided, 99 %) is compared, and the stable version's own rate is allowed for. Calls
    are slow if they take longer than all but 5 % of the stable version's may.
    """
    stable, candidate, copies = figures.stable, figures.candidate, figures.copies
    if candidate.count >= gates.requests:
        limit = lower_limit(candidate.failed, candidate.count)
        if limit - stable.failure_rate > gates.errors:
            return (
                f"errors: {candidate.failed:.0f} of {candidate.count:.0f} calls failed, and "
                f"{stable.failed:.0f} of {stable.count:.0f} of the stable version"
            )
    if min(candidate.count, stable.count) >= gates.requests:
        ours, theirs = candidate.quantile(QUANTILE), stable.quantile(QUANTILE)
        slow = candidate.longer_than(max(gates.slower * theirs, theirs + MIN_SLOWDOWN))
        if lower_limit(slow, candidate.count) > 1 - QUANTILE:
            return (
                f"slower: the 95th percentile is {1000 * ours:.1f} ms, and {1000 * theirs:.1f} ms "
                "of the stable version"
            )
    if copies.compared >= gates.requests:
        limit = lower_limit(copies.different, copies.compared)
        if limit > gates.different:
            return (
                f"different: {copies.different:.0f} of {copies.compared:.0f} responses differ from "
                "those of the stable version"
            )
    return ""


def lower_limit(hits: float, count: float) -> float:
    """Return the lower confidence limit of the rate `hits` / `count` (Wilson's score interval)."""
    if not count:
        return 0.0
    rate, square = hits / count, _Z * _Z
    middle = rate + square / (2 * count)
    spread = _Z * math.sqrt(rate * (1 - rate) / count + square / (4 * count * count))
    return max(0.0, (middle - spread) / (1 + square / count))


def is_open(url: str) -> bool:
    """Request the operator's gate: it is open if the response is 2xx (Flagger's convention)."""
    if not url:
        return True
    try:
        with urllib.request.urlopen(url, timeout=URL_TIMEOUT) as response:  # noqa: S310 - http, https
            return bool(200 <= response.status < 300)  # noqa: PLR2004
    except (OSError, HTTPException, ValueError):
        return False
