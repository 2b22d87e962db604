"""What is counted for each request; docs/metrics.md describes the same metrics.

The metrics are made when the application is created, after `multiproc_dir.setup`.
"""

from __future__ import annotations

import logging
from functools import lru_cache
from time import perf_counter
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from ..execution import Timings
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
_IN_FLIGHT = "mmf.in_flight"  # in the environment of a request that the gauge has counted
_log = logging.getLogger("mmf.metrics")


class RequestMetrics(RequestObserver):
    """Counts requests; an error of the metrics is logged and never fails a request."""

    def target_entered(self, context: RequestContext) -> None:
        """Count a request that its target has begun to process."""
        try:
            _labelled(IN_FLIGHT, context.target).inc()
            context.environ[_IN_FLIGHT] = True
        except Exception:  # noqa: BLE001 - prometheus_client's files may be gone
            _log.exception("request not counted")

    def finished(self, context: RequestContext) -> None:
        """Count a completed request and, if it had a target, its times and rows."""
        try:
            _count(context, context.target or "")
        except Exception:  # noqa: BLE001
            _log.exception("request not counted")


def _count(context: RequestContext, target: str) -> None:
    if context.environ.pop(_IN_FLIGHT, False):
        _labelled(IN_FLIGHT, target).dec()
    _labelled(REQUESTS, target, context.protocol, context.status).inc()
    if target:
        seconds = perf_counter() - context.started
        _labelled(DURATION, target, context.protocol).observe(seconds)
        for direction, rows in (("in", context.rows_in), ("out", context.rows_out)):
            if rows:
                _labelled(ROWS, target, direction).inc(rows)
        if context.timings:
            _observe_stages(target, context.timings)


def _observe_stages(target: str, timings: Timings) -> None:
    stages = {
        "decode": timings.decode,
        "queue": timings.queue,
        "call": timings.call if timings.batch_leader or timings.batch_size == 1 else 0,
        "encode": timings.encode,
    }
    for stage, seconds in stages.items():
        if seconds:  # the request has reached this stage
            _labelled(STAGE, target, stage).observe(seconds)
    if timings.batch_leader:
        _labelled(BATCH, target).observe(timings.batch_size)


@lru_cache(maxsize=1024)  # targets and statuses, ten to a request
def _labelled(metric: Any, *labels: Any) -> Any:
    """Return a metric's child; `labels` checks and converts them each time, under a lock."""
    return metric.labels(*labels)
