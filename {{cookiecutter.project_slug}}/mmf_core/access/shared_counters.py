"""Counts of requests by caller, in memory that all workers of a service share.

It is made before the fork. A count is in one of a few places that follow from its key; a lock of
the kernel guards them, which a process that dies gives back.
"""

from __future__ import annotations

import fcntl
import mmap
import struct
import time
from hashlib import blake2b
from threading import Lock

from ..shared_memory import shared_file
from .rates import Rate

_CELL = struct.Struct("<16sqd")  # the key's hash, the count, when it ends
_PLACES = 8
"""Cells where a count may be; if all are in use, the one that ends first is replaced."""
_GROUPS = 2048
_SIZE = _GROUPS * _PLACES * _CELL.size


class SharedCounters:
    """Counts requests in windows of time, each of which begins with the first request in it."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SIZE)
        self._locks, self._lock = shared_file(), Lock()  # of processes, and of a process's threads

    def hit(self, name: str, rate: Rate) -> tuple[int, float]:
        """Count a request; return how many there were in its window, and when the window ends."""
        key = blake2b(f"{rate.requests}/{rate.seconds}/{name}".encode(), digest_size=16).digest()
        group = int.from_bytes(key[:4], "little") % _GROUPS
        with self._lock:
            fcntl.lockf(self._locks, fcntl.LOCK_EX, 1, group)
            try:
                return self._count(group, key, rate.seconds)
            finally:
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, group)

    def _count(self, group: int, key: bytes, seconds: int) -> tuple[int, float]:
        now = time.time()
        start = group * _PLACES * _CELL.size
        offset, earliest = start, float("inf")
        for place in range(start, start + _PLACES * _CELL.size, _CELL.size):
            owner, count, end = _CELL.unpack_from(self._memory, place)
            if owner == key:
                # A clock that was set back does not make a window longer.
                is_current = now < end <= now + seconds
                count, end = (count + 1, end) if is_current else (1, now + seconds)
                _CELL.pack_into(self._memory, place, key, count, end)
                return count, end
            if end < earliest:
                offset, earliest = place, end
        _CELL.pack_into(self._memory, offset, key, 1, now + seconds)
        return 1, now + seconds


class _Shared:
    counters: SharedCounters | None = None


def shared_counters() -> SharedCounters:
    """Return the counts of this service: those that its master has made, in all of its workers."""
    if _Shared.counters is None:
        _Shared.counters = SharedCounters()
    return _Shared.counters
