"""What is counted for each request; docs/metrics.md describes the same metrics.

The metrics are made when the application is created, after `multiproc_dir.setup`.
"""

from __future__ import annotations

import logging
from bisect import bisect_left
from collections.abc import Callable
from functools import lru_cache
from time import perf_counter
from typing import Any

from prometheus_client import Counter, Gauge, Histogram, values

from ..errors import FailedCheck, InvalidValue, RejectedInput
from ..web.request_context import RequestContext, RequestObserver

SECONDS = (
    *(0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05),
    *(0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
SIZES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0)

REQUESTS = Counter("mmf_requests", "Completed requests.", ["target", "protocol", "status"])
DURATION = Histogram(
    "mmf_request_duration_seconds",
    "From a request's arrival in the application to its response.",
    ["target", "protocol"],
    buckets=SECONDS,
)
STAGE = Histogram(
    "mmf_request_stage_seconds",
    "Time in each stage of a request; a call that requests share counts once.",
    ["target", "stage"],
    buckets=SECONDS,
)
ROWS = Counter("mmf_rows", "Rows of tables and arrays, in and out.", ["target", "direction"])
BATCH = Histogram(
    "mmf_batch_requests",
    "How many requests shared a call, where batch= is set.",
    ["target"],
    buckets=SIZES,
)
IN_FLIGHT = Gauge(
    "mmf_requests_in_flight",
    "Requests that a target is processing.",
    ["target"],
    multiprocess_mode="livesum",
)
INVALID = Counter(
    "mmf_invalid_values",
    "Cells, columns and other values that were rejected, by the rule that they broke.",
    ["target", "column", "rule"],
)
_MOST_RULES = 1_000
"""Of all columns of all targets; what is beyond is counted by target alone."""
_COUNTED = "mmf.counted"  # in the environment of a request that the gauge has counted
_log = logging.getLogger("mmf.metrics")
_rules: set[tuple[str, str, str]] = set()
Amounts = list[tuple[Any, float]]
"""Values of prometheus_client, and what to add to each."""


class RequestMetrics(RequestObserver):
    """Counts requests; an error of the metrics is logged and never fails a request."""

    def __init__(self) -> None:
        self._add: Callable[[Amounts], None] = getattr(values.ValueClass, "add", _add_each)

    def target_entered(self, context: RequestContext) -> None:
        """Count a request that its target has begun to process."""
        try:
            counts = _counts(context.target or "", context.protocol)
            self._add([(counts["in_flight"], 1)])
            context.environ[_COUNTED] = counts
        except Exception:  # noqa: BLE001 - prometheus_client's files may be gone
            _log.exception("request not counted")

    def rejected(self, context: RequestContext, error: InvalidValue) -> None:
        """Count what was wrong with the values of a request."""
        try:
            for column, rule, count in error.failures or [_other(error)]:
                INVALID.labels(*_known_rule(context.target or "", column, rule)).inc(count)
        except Exception:  # noqa: BLE001
            _log.exception("rejected values not counted")

    def finished(self, context: RequestContext) -> None:
        """Count a completed request and, if it had a target, its times and rows."""
        try:
            counted = context.environ.pop(_COUNTED, None)
            counts = counted or _counts(context.target or "", context.protocol)
            amounts: Amounts = [(counts["in_flight"], -1)] if counted else []
            try:
                amounts += counts.amounts(context)
            finally:
                self._add(amounts)
        except Exception:  # noqa: BLE001
            _log.exception("request not counted")


class _Counts(dict[Any, Any]):
    """The values of one target and protocol, each made when it is first needed.

    `labels` of prometheus_client checks and converts the labels each time, under a lock.
    """

    def __init__(self, target: str, protocol: str) -> None:
        super().__init__()
        self._target = target
        self._protocol = protocol

    def __missing__(self, key: str | int) -> Any:
        match key:
            case int():  # a status
                child: Any = REQUESTS.labels(self._target, self._protocol, key)
            case "duration":
                child = DURATION.labels(self._target, self._protocol)
            case "in" | "out":
                child = ROWS.labels(self._target, key)
            case "in_flight":
                child = IN_FLIGHT.labels(self._target)
            case "batch":
                child = BATCH.labels(self._target)
            case _:
                child = STAGE.labels(self._target, key)
        self[key] = value = child if isinstance(child, Histogram) else child._value  # noqa: SLF001
        return value

    def amounts(self, context: RequestContext) -> Amounts:
        """Return what a completed request adds to each value."""
        amounts: Amounts = [(self[context.status], 1)]
        if not self._target:
            return amounts
        self._observe(amounts, "duration", perf_counter() - context.started)
        if context.rows_in:
            amounts.append((self["in"], context.rows_in))
        if context.rows_out:
            amounts.append((self["out"], context.rows_out))
        if timings := context.timings:
            self._observe(amounts, "decode", timings.decode)
            self._observe(amounts, "queue", timings.queue)
            if timings.batch_leader or timings.batch_size == 1:
                self._observe(amounts, "call", timings.call)
            self._observe(amounts, "encode", timings.encode)
            if timings.batch_leader:
                self._observe(amounts, "batch", timings.batch_size)
        return amounts

    def _observe(self, amounts: Amounts, key: str, amount: float) -> None:
        """Have a histogram observe an amount; 0 is that of a stage that was not reached."""
        if amount:
            histogram = self[key]
            bucket = bisect_left(histogram._upper_bounds, amount)  # noqa: SLF001
            amounts.append((histogram._sum, amount))  # noqa: SLF001
            amounts.append((histogram._buckets[bucket], 1))  # noqa: SLF001


@lru_cache(maxsize=256)  # targets of main.py, and protocols
def _counts(target: str, protocol: str) -> _Counts:
    return _Counts(target, protocol)


def _other(error: InvalidValue) -> FailedCheck:
    return FailedCheck("", "model" if isinstance(error, RejectedInput) else "other")


def _known_rule(target: str, column: str, rule: str) -> tuple[str, str, str]:
    key = target, column, rule
    if len(_rules) < _MOST_RULES:
        _rules.add(key)
    return key if key in _rules else (target, "", "other")


def _add_each(amounts: Amounts) -> None:
    """Add to values that are in this process alone."""
    for value, amount in amounts:
        value.inc(amount)
