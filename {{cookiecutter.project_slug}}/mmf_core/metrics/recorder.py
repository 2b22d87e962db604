"""What is counted of a request, in the process that has answered it."""

from __future__ import annotations

import atexit
import logging
import os
from bisect import bisect_left
from threading import Lock
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from . import multiproc_dir
from .families import BATCH, DURATION, IN_FLIGHT, REQUESTS, ROWS, SECONDS, SIZES, STAGE, STAGES

if TYPE_CHECKING:
    from ..web.request_context import RequestContext

_log = logging.getLogger("mmf.metrics")


class _Places(NamedTuple):
    """Where a target's samples are."""

    rows_in: int
    rows_out: int
    stages: list[list[int]]
    batch: list[int]


class Recorder:
    """Counts requests in this process; any thread may call it."""

    def __init__(self) -> None:
        from .mmap_values import Cells

        where = multiproc_dir.path()
        self._counters = Cells(where, "counter")
        self._histograms = Cells(where, "histogram")
        self._gauges = Cells(where, "gauge_livesum")
        self._lock = Lock()
        self._requests: dict[tuple[str, str, int], int] = {}
        self._durations: dict[tuple[str, str], list[int]] = {}
        self._targets: dict[str, _Places] = {}
        self._in_flight: dict[str, int] = {}

    def entered(self, target: str) -> None:
        """Count a request that a target has begun with."""
        with self._lock:
            place = self._in_flight.get(target)
            if place is None:
                place = self._in_flight[target] = self._gauges.place(IN_FLIGHT, (target,))
            self._gauges.values[place] += 1

    def record(self, context: RequestContext, protocol: str) -> None:
        """Count a request that has its answer, and where it had a target, its times and rows."""
        target, seconds = context.target, perf_counter() - context.started
        with self._lock:
            key = (target or "", protocol, context.status)
            place = self._requests.get(key)
            if place is None:
                labels = (*key[:2], str(context.status))
                place = self._requests[key] = self._counters.place(REQUESTS, labels, "_total")
            self._counters.values[place] += 1
            if target:
                if target in self._in_flight:
                    self._gauges.values[self._in_flight[target]] -= 1
                self._observe(self._duration(target, protocol), SECONDS, seconds)
                self._count(context, self._targets.get(target) or self._new(target))

    def close(self) -> None:
        """Give the files back, when nothing is counted here any more."""
        for cells in (self._counters, self._histograms, self._gauges):
            cells.close()

    def _count(self, context: RequestContext, places: _Places) -> None:
        counters = self._counters.values
        if context.rows_in:
            counters[places.rows_in] += context.rows_in
        if context.rows_out:
            counters[places.rows_out] += context.rows_out
        if timings := context.timings:
            times = (timings.decode, timings.queue, timings.call, timings.encode)
            for place, seconds in zip(places.stages, times, strict=True):
                if seconds:  # it has come so far
                    self._observe(place, SECONDS, seconds)
            if timings.batch_leader:
                self._observe(places.batch, SIZES, timings.batch_size)

    def _observe(self, places: list[int], bounds: tuple[float, ...], value: float) -> None:
        values = self._histograms.values
        values[places[bisect_left(bounds, value)]] += 1
        values[places[-1]] += value

    def _duration(self, target: str, protocol: str) -> list[int]:
        key = (target, protocol)
        if key not in self._durations:
            self._durations[key] = self._histograms.places(DURATION, key, SECONDS)
        return self._durations[key]

    def _new(self, target: str) -> _Places:
        rows_in, rows_out = (
            self._counters.place(ROWS, (target, way), "_total") for way in ("in", "out")
        )
        stages = [self._histograms.places(STAGE, (target, one), SECONDS) for one in STAGES]
        batch = self._histograms.places(BATCH, (target,), SIZES)
        places = self._targets[target] = _Places(rows_in, rows_out, stages, batch)
        return places


_making = Lock()
_recorder: Recorder | None = None


def start() -> Recorder:
    """Return this process's recorder, and count from now on."""
    global _recorder  # noqa: PLW0603 - one for this process
    with _making:
        _recorder = _recorder or Recorder()
        return _recorder


def begin() -> None:
    """Have this process count, and be counted, from now on."""
    try:
        start()
    except OSError:
        _log.exception("nothing is counted")


def entered(target: str) -> None:
    """Count a request that a target has begun with."""
    try:
        (_recorder or start()).entered(target)
    except OSError:
        _log.exception("not counted")  # it is answered all the same


def record(context: RequestContext, protocol: str) -> None:
    """Count a request that has its answer."""
    try:
        (_recorder or start()).record(context, protocol)
    except OSError:
        _log.exception("not counted")


def _end() -> None:
    global _recorder  # noqa: PLW0603
    if _recorder:
        _recorder.close()
        _recorder = None


def _forget() -> None:
    global _making  # noqa: PLW0603 - another thread may have held it
    _making = Lock()
    _end()


os.register_at_fork(after_in_child=_forget)
atexit.register(_end)
