"""The scoreboard: how many connections each worker has, in memory that all of them share.

All workers accept from one socket, and the first to wake takes the connections. With keep-alive,
one worker could end up with all of them while the others idle.
"""

from __future__ import annotations

import math
import mmap
import time

SLACK = 2  # more connections than the least loaded worker has, so that none waits for it
SLACK_RATIO = 0.1  # or in proportion: thousands that come at once are accepted in a few turns
FRESH = 3.0  # seconds; a worker publishes once a second at least
MAX_WORKERS = 256
_USED = 2 * MAX_WORKERS  # this cell holds how many cells are in use
_WORKERS = _USED + 1  # and this one how many workers there should be


class Scoreboard:
    """Connections by worker, created before the fork; each worker writes a slot of its own."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, (_WORKERS + 1) * 8)).cast("d")

    @property
    def workers(self) -> int:
        """How many workers there should be; 0 until the master has written it."""
        return int(self._cells[_WORKERS])

    @workers.setter
    def workers(self, count: int) -> None:
        self._cells[_WORKERS] = count

    def publish(self, slot: int, connections: float) -> None:
        """Publish how many connections a worker has; infinite if all its threads are busy."""
        cell = 2 * (slot % MAX_WORKERS)
        self._cells[cell] = connections
        if connections < math.inf:
            self._cells[cell + 1] = time.monotonic()
        if cell >= self._cells[_USED]:
            self._cells[_USED] = cell + 2

    def clear(self, slot: int) -> None:
        """Remove a worker that accepts no more connections."""
        self._cells[2 * (slot % MAX_WORKERS) + 1] = 0.0

    def min_connections(self, slot: int) -> float:
        """Return how many the least loaded other worker has; infinite if there is none."""
        own = 2 * (slot % MAX_WORKERS)
        return min((self._cells[cell] for cell in self._fresh() if cell != own), default=math.inf)

    def available(self) -> int:
        """Count the workers that can take a request."""
        return sum(self._cells[cell] < math.inf for cell in self._fresh())

    def last_seen(self) -> float:
        """Return when a worker could last take a request, by `time.monotonic`; 0: never."""
        return max(self._cells[1:_USED:2])

    def _fresh(self) -> list[int]:
        """Return the cells of all workers but those that are dead or stuck."""
        oldest = time.monotonic() - FRESH
        return [c for c in range(0, int(self._cells[_USED]), 2) if self._cells[c + 1] > oldest]


scoreboard = Scoreboard()
"""Shared by the master and all workers that it forks."""
