"""How good each version was, over the stored responses, as metrics."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields

from ..capabilities import Gauge
from .database import NO_BIN
from .store import Served, Sums

_LABELS = ("target", "version")
_Ratio = Callable[[Sums], tuple[float, float]]
_MEANS: dict[str, tuple[str, _Ratio]] = {
    "reward_mean": ("Mean of the rewards.", lambda sums: (sums.reward, sums.rewards)),
    "accuracy": ("Share of correct classes.", lambda sums: (sums.hits, sums.classes)),
    "mae": (
        "Mean absolute error of predicted quantities.",
        lambda sums: (sums.error, sums.quantities),
    ),
}


def gauges_of(by_version: Mapping[Served, Mapping[int, Sums]], dropped: int) -> Iterator[Gauge]:
    """Yield the metrics; a version's undefined ones are left out."""
    totals = {served: added(bins.values()) for served, bins in by_version.items()}
    yield Gauge(
        "mmf_feedback_rewards",
        "Rows that have a reward.",
        _LABELS,
        {served: sums.rewards for served, sums in totals.items()},
    )
    yield Gauge(
        "mmf_feedback_truths",
        "Rows whose prediction was compared with the truth.",
        _LABELS,
        {served: sums.classes + sums.quantities for served, sums in totals.items()},
    )
    for name, (help_text, ratio) in _MEANS.items():
        values = {
            served: part / whole
            for served, (part, whole) in ((served, ratio(sums)) for served, sums in totals.items())
            if whole
        }
        yield Gauge(f"mmf_feedback_{name}", help_text, _LABELS, values)
    calibration = ((served, calibration_error(bins)) for served, bins in by_version.items())
    yield Gauge(
        "mmf_feedback_calibration_error",
        "Mean difference between predicted probabilities and the accuracy, over ten bins.",
        _LABELS,
        {served: error for served, error in calibration if error is not None},
    )
    yield Gauge("mmf_feedback_dropped", "Responses that were not recorded.", (), {(): dropped})


def added(each: Iterable[Sums]) -> Sums:
    """Return the sums of several bins."""
    every = [*each]
    return Sums(*(sum(getattr(sums, item.name) for sums in every) for item in fields(Sums)))


def calibration_error(bins: Mapping[int, Sums]) -> float | None:
    """Return the expected calibration error; None without probabilities.

    The mean over the bins, weighted by their rows, of the difference between the mean predicted
    probability and the accuracy.
    """
    used = [sums for number, sums in bins.items() if number != NO_BIN and sums.classes]
    rows = sum(sums.classes for sums in used)
    return sum(abs(sums.hits - sums.probability) for sums in used) / rows if rows else None
