"""Which workers listen for gRPC, in memory that all of them share.

Each has a socket of its own on the port, and the kernel spreads the connections over them. A worker
that ends must not close its socket before its successor listens: connections would be refused.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import time
from contextlib import suppress
from typing import NamedTuple

from ..shared_memory import shared_file

MAX_WORKERS = 1024
"""More than gunicorn.conf.py allows, for those that are being replaced."""
LONGEST_FORK = 2.0  # seconds until a worker that gunicorn has just forked is counted


class Counts(NamedTuple):
    """How many workers listen, and how many will: without those that end."""

    listening: int
    starting: int


class Listeners:
    """The workers of the process that has made this: a cell for each, negative until it listens."""

    def __init__(self) -> None:
        self._master = os.getpid()
        self._cells = memoryview(mmap.mmap(-1, MAX_WORKERS * 8)).cast("q")
        self._lock = shared_file()
        self._own = -1

    def announce(self) -> None:
        """Note that this process starts, if it is a worker and not one of a worker's own."""
        if os.getppid() != self._master:
            return
        fcntl.lockf(self._lock, fcntl.LOCK_EX)
        try:
            free = (cell for cell in range(MAX_WORKERS) if not _is_alive(self._cells[cell]))
            self._own = next(free, -1)
            if self._own >= 0:  # else it serves all the same, and no other worker waits for it
                self._cells[self._own] = -os.getpid()
        finally:
            fcntl.lockf(self._lock, fcntl.LOCK_UN)

    def listen(self) -> None:
        """Note that this worker listens."""
        if self._own >= 0:
            self._cells[self._own] = os.getpid()

    def leave(self) -> None:
        """Note that this worker ends."""
        if self._own >= 0:
            self._cells[self._own] = 0

    def counts(self) -> Counts:
        """Return how many workers listen, and how many start."""
        alive = [*filter(_is_alive, self._cells)]
        listening = sum(pid > 0 for pid in alive)
        return Counts(listening, len(alive) - listening)

    def may_close(self, since: float) -> bool:
        """Report whether a worker that ends since a `time.monotonic` may close its socket.

        It may if others listen and none starts: a reload starts all new workers, which share the
        connections evenly when all of them listen. And if no other can be expected: gunicorn forks
        the successor of a worker that ends by itself only when that has ended.
        """
        listening, starting = self.counts()
        is_expected = time.monotonic() - since < LONGEST_FORK
        return not starting and (listening > 0 or not is_expected)


def _is_alive(cell: int) -> bool:
    if cell:
        # A process of another user is not a worker: it has the number of one that has ended.
        with suppress(ProcessLookupError, PermissionError):
            os.kill(abs(cell), 0)
            return True
    return False
