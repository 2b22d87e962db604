"""Even load: how many connections each worker has, in memory that all of them share.

All workers accept from one socket, and whoever wakes first takes what is there. With connections
that are kept alive, one worker can end up with all of them for as long as they last, while the
others idle. So each worker tells how many it has, and leaves new connections to the others while
it has more than they do.
"""

from __future__ import annotations

import math
import mmap
import time
from collections.abc import Iterator

SLACK = 2  # connections more than the least loaded worker, so that nobody waits for a straggler
FRESH = 3.0  # seconds; a worker's loop comes round once a second at least
_SLOTS = 256
_END = 2 * _SLOTS  # the cell after the last: how many have been used, which is read on every poll


class Shares:
    """How many connections each worker has; made before the fork, written by one worker each."""

    def __init__(self) -> None:
        self._cells = memoryview(mmap.mmap(-1, _SLOTS * 16 + 8)).cast("d")

    def tell(self, slot: int, connections: int) -> None:
        """Note what a worker has now."""
        mine = 2 * (slot % _SLOTS)
        self._cells[mine] = connections
        self._cells[mine + 1] = time.monotonic()
        if mine >= self._cells[_END]:  # two may write it at once: the other one does so again
            self._cells[_END] = mine + 2

    def hold(self, slot: int) -> None:
        """Note that a worker has no thread for another request, until it tells what it has."""
        self._cells[2 * (slot % _SLOTS)] = math.inf

    def leave(self, slot: int) -> None:
        """Forget a worker that takes no more."""
        self._cells[2 * (slot % _SLOTS) + 1] = 0.0

    def least(self, slot: int) -> float:
        """Return how many the least loaded other worker has; infinite where there is none.

        One that has not told anything for a while is dead or stuck, and takes none.
        """
        mine = 2 * (slot % _SLOTS)
        return min((self._cells[one] for one in self._fresh() if one != mine), default=math.inf)

    def able(self) -> int:
        """Count the workers that can take a request."""
        return sum(self._cells[one] < math.inf for one in self._fresh())

    def latest(self) -> float:
        """Return when some worker could take a request last, by `time.monotonic`'s clock."""
        return max(self._cells[1:_END:2])

    def _fresh(self) -> Iterator[int]:
        oldest = time.monotonic() - FRESH
        used = range(0, int(self._cells[_END]), 2)
        return (one for one in used if self._cells[one + 1] > oldest)


shares = Shares()
"""Those of the workers that this process is, or will fork."""
