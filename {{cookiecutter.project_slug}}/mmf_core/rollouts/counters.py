"""The counts of each version, in memory that all processes of a service share.

It is created before the fork. Each process has a row of its own, which it claims by a kernel
lock: when it ends, for whatever reason, another one continues its row, and totals stay correct.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock

from ..shared_memory import shared_file

STABLE, CANDIDATE = 0, 1
SHORTEST = 1e-4
"""Seconds; a shorter call counts as one of this length."""
_PER_OCTAVE = 4
_BUCKETS = 20 * _PER_OCTAVE  # up to a hundred seconds
_TOTALS = 2  # calls, failures
_WIDTH = _TOTALS + _BUCKETS
_COPIES = ("sent", "dropped", "compared", "different", "failed")
_SHARES = ("traffic", "mirror", "is_offered")
_IN_FLIGHT = 2 * _WIDTH + len(_COPIES)
_ROW = _IN_FLIGHT + 1
_ROWS = 300  # workers, and those that replace them


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls of one version since some time: how many, how many failed, how long they took."""

    count: float = 0.0
    failed: float = 0.0
    buckets: tuple[float, ...] = (0.0,) * _BUCKETS

    def since(self, earlier: Calls) -> Calls:
        """Return the calls since an earlier snapshot."""
        buckets = (now - before for now, before in zip(self.buckets, earlier.buckets, strict=True))
        return Calls(self.count - earlier.count, self.failed - earlier.failed, tuple(buckets))

    @property
    def failure_rate(self) -> float:
        """The share of the calls that failed."""
        return self.failed / self.count if self.count else 0.0

    def quantile(self, share: float) -> float:
        """Return the seconds within which this share of the calls ended, within about a fifth."""
        remaining = share * sum(self.buckets)
        for number, count in enumerate(self.buckets):
            remaining -= count
            if count and remaining <= 0:
                return SHORTEST * math.exp2((number + 1) / _PER_OCTAVE)
        return 0.0

    def longer_than(self, seconds: float) -> float:
        """Return how many calls certainly took longer."""
        first = math.ceil(_PER_OCTAVE * math.log2(max(seconds, SHORTEST) / SHORTEST))
        return sum(self.buckets[first:])


@dataclass(frozen=True, slots=True)
class Copies:
    """Copies of requests: sent to the candidate, dropped; results compared, different, failed."""

    sent: float = 0.0
    dropped: float = 0.0
    compared: float = 0.0
    different: float = 0.0
    failed: float = 0.0

    def since(self, earlier: Copies) -> Copies:
        """Return the copies since an earlier snapshot."""
        return Copies(*(getattr(self, name) - getattr(earlier, name) for name in _COPIES))

    @property
    def difference(self) -> float:
        """The share of the compared results that differ; a failure counts as one."""
        return self.different / self.compared if self.compared else 0.0


class Counters:
    """Counts by version, and the shares that every worker reads for each request."""

    def __init__(self) -> None:
        size = (_ROWS + 1) * _ROW + len(_SHARES)
        self._cells = memoryview(mmap.mmap(-1, size * 8)).cast("d")
        self._shares = _ROWS * _ROW
        self._before = self._shares + len(_SHARES)  # the sums when the step began
        self._claims, self._lock = shared_file(), Lock()
        self._start, self._owner = 0, 0

    def add_call(self, version: int, seconds: float, *, failed: bool) -> None:
        """Count a call of a version."""
        octaves = math.log2(max(seconds, SHORTEST) / SHORTEST)
        bucket = min(_BUCKETS - 1, int(octaves * _PER_OCTAVE))
        with self._lock:
            start = self._own_row() + version * _WIDTH
            self._cells[start] += 1
            self._cells[start + 1] += failed
            self._cells[start + _TOTALS + bucket] += 1

    def begin_call(self) -> None:
        """Record that a call of the candidate begins: if its process ends, it has failed."""
        with self._lock:
            self._cells[self._own_row() + _IN_FLIGHT] += 1

    def end_call(self) -> None:
        """Record that a call of the candidate has ended, whatever its outcome."""
        with self._lock:
            self._cells[self._own_row() + _IN_FLIGHT] -= 1

    def add_copy(self, **counts: int) -> None:
        """Count the outcome of a copy: `sent=1`, `dropped=1`, `compared=1, different=1`."""
        with self._lock:
            start = self._own_row() + 2 * _WIDTH
            for name, count in counts.items():
                self._cells[start + _COPIES.index(name)] += count

    def calls(self, version: int) -> Calls:
        """Return the calls of a version."""
        return _calls(self._sums(version * _WIDTH, _WIDTH))

    def copies(self) -> Copies:
        """Return the outcomes of all copies."""
        return Copies(*self._sums(2 * _WIDTH, len(_COPIES)))

    def begin_step(self) -> None:
        """Save the counts so far, for the process that checks the next step."""
        for cell, value in enumerate(self._sums(0, _ROW)):
            self._cells[self._before + cell] = value

    def calls_before(self, version: int) -> Calls:
        """Return the calls of a version before the step."""
        start = self._before + version * _WIDTH
        return _calls(self._cells[start : start + _WIDTH].tolist())

    def copies_before(self) -> Copies:
        """Return the outcomes of all copies before the step."""
        start = self._before + 2 * _WIDTH
        return Copies(*self._cells[start : start + len(_COPIES)].tolist())

    @property
    def traffic(self) -> float:
        """The percentage of the requests that the candidate serves now."""
        return self._cells[self._shares]

    @property
    def mirror(self) -> float:
        """The percentage of the requests that are copied to the candidate now."""
        return self._cells[self._shares + 1]

    @property
    def is_offered(self) -> bool:
        """Whether callers can request the candidate by name."""
        return bool(self._cells[self._shares + 2])

    def set_shares(self, traffic: float, mirror: float, *, is_offered: bool) -> None:
        """Set the shares of all workers from the next request on."""
        for offset, value in enumerate((traffic, mirror, is_offered)):
            self._cells[self._shares + offset] = value

    def _own_row(self) -> int:
        """Return the offset of this process's row; each row has one writer at a time."""
        if self._owner != os.getpid():
            self._start = _ROW * self._claim()
            self._owner = os.getpid()
        return self._start

    def _claim(self) -> int:
        for row in range(_ROWS - 1):
            with suppress(OSError):
                fcntl.lockf(self._claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, row)
                self._settle(row)
                return row
        return _ROWS - 1  # shared by all processes beyond the expected number

    def _settle(self, row: int) -> None:
        """Count the candidate's calls that were in flight when the row's last process ended."""
        start = _ROW * row
        unfinished = self._cells[start + _IN_FLIGHT]
        self._cells[start + _IN_FLIGHT] = 0
        for cell in (0, 1):  # calls, failures
            self._cells[start + CANDIDATE * _WIDTH + cell] += unfinished

    def _sums(self, start: int, width: int) -> list[float]:
        rows = range(start, self._shares, _ROW)
        return [sum(self._cells[row + cell] for row in rows) for cell in range(width)]


def _calls(cells: Sequence[float]) -> Calls:
    count, failed, *buckets = cells
    return Calls(count, failed, tuple(buckets))
