"""Gates: what rolls a candidate back, and what holds it at its step."""

from __future__ import annotations

import math
import urllib.request
from contextlib import suppress
from http.client import HTTPException
from threading import Thread

from .plan import Gates
from .strategies import Figures

URL_TIMEOUT = 5.0  # seconds without a byte
URL_WAIT = 0.5
"""Seconds; a response that takes longer is seen by a later check."""
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


class UrlGate:
    """The operator's gate: it is open if the response is 2xx (Flagger's convention).

    It is requested in a thread, one request at a time: until its response is complete it holds the
    step, and nothing else.
    """

    def __init__(self) -> None:
        self._request: Thread | None = None
        self._is_open = False

    def is_open(self, url: str) -> bool:
        """Return whether the gate is open, within URL_WAIT seconds; False while it is requested."""
        if not url:
            return True
        if self._request is None:
            self._request = Thread(target=self._ask, args=(url,), name="mmf-gate", daemon=True)
            self._request.start()
        self._request.join(URL_WAIT)
        if self._request.is_alive():
            return False
        self._request = None
        return self._is_open

    def _ask(self, url: str) -> None:
        self._is_open = False
        with (
            suppress(OSError, HTTPException, ValueError),
            urllib.request.urlopen(url, timeout=URL_TIMEOUT) as response,  # noqa: S310 - http, https
        ):
            self._is_open = bool(200 <= response.status < 300)  # noqa: PLR2004
