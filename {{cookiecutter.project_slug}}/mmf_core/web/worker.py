"""gunicorn's threaded worker, taking no more connections than its share.

All workers accept from one socket, and whoever wakes first takes what is there. With connections
that are kept alive, one worker can end up with all of them for as long as they last, while the
others idle. Here each worker tells how many it has, in memory that all of them share, and leaves
new connections to the others while it has more than they do.
"""

from __future__ import annotations

import mmap
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

SLACK = 2  # connections more than the least loaded worker, so that nobody waits for a straggler
FRESH = 3.0  # seconds; a worker's loop comes round once a second at least
_SLOTS = 256


class Shares:
    """How many connections each worker has; made before the fork, written by one worker each."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, _SLOTS * 16)).cast("d")

    def tell(self, slot: int, connections: int) -> None:
        """Note what a worker has now."""
        self._cells[2 * (slot % _SLOTS)] = connections
        self._cells[2 * (slot % _SLOTS) + 1] = time.monotonic()

    def leave(self, slot: int) -> None:
        """Forget a worker that takes no more."""
        self._cells[2 * (slot % _SLOTS) + 1] = 0.0

    def least(self, slot: int) -> float:
        """Return how many the least loaded other worker has; infinite where there is none.

        One that has not told anything for a while is dead or stuck, and takes none.
        """
        oldest = time.monotonic() - FRESH
        others = (
            self._cells[place]
            for place in range(0, 2 * _SLOTS, 2)
            if self._cells[place + 1] > oldest and place != 2 * (slot % _SLOTS)
        )
        return min(others, default=float("inf"))


_shares = Shares()


class EvenWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """Looks at its share whenever the loop asks how many connections it may have."""

    _most = 0

    @property
    def worker_connections(self) -> float:
        """The limit that is set, or less while other workers have fewer."""
        _shares.tell(self.age, self.nr_conns)
        return min(self._most, _shares.least(self.age) + SLACK)

    @worker_connections.setter
    def worker_connections(self, most: int) -> None:
        self._most = most

    def set_accept_enabled(self, enabled: bool) -> Any:
        """Accept or not; a worker that is about to end leaves the count."""
        if not self.alive:
            _shares.leave(self.age)
        return super().set_accept_enabled(enabled)
