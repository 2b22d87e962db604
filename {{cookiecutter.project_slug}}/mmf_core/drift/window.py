"""Counts in a time window by version, in memory that all workers of a service share.

The window moves in twelfths. Workers add to the same numbers without a lock: two that do so in the
same microsecond lose one row of thousands, and no request waits for another.
"""

from __future__ import annotations

import fcntl
import mmap
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

from ..shared_memory import SharedText, shared_file

PARTS = 12
_VERSIONS = 2
_SIZE = 8  # bytes of a number
Bins = list[int] | np.ndarray[Any, Any]
"""Bins by number: a short list, or an array."""


class Window:
    """Counts in `bins` of the first two versions that respond; created before the fork."""

    def __init__(self, bins: int, seconds: float) -> None:
        self._seconds = seconds / PARTS
        shape = _VERSIONS, PARTS + 1, bins + 1  # the last number identifies the part
        memory = mmap.mmap(-1, _VERSIONS * (PARTS + 1) * (bins + 1) * _SIZE)
        self._cells: Any = np.frombuffer(memory, dtype=np.int64).reshape(shape)
        self._numbers = memoryview(memory).cast("q")  # the same, without NumPy
        self._bins = bins
        self._names = SharedText()  # of the versions, by their slots
        self._names.share()
        self._file, self._lock = shared_file(), Lock()
        self._slots: dict[str, int] = {}

    def add(self, version: str, bins: Bins) -> None:
        """Add one to each of these bins, which may repeat, for a version."""
        slot = self._slots.get(version)
        if slot is None and (slot := self._claim(version)) is None:
            return
        part = self._part()
        index = part % (PARTS + 1)
        start = (slot * (PARTS + 1) + index) * (self._bins + 1)
        if self._numbers[start + self._bins] != part:
            self._cells[slot, index, :-1] = 0
            self._numbers[start + self._bins] = part
        if isinstance(bins, list):
            for bin_ in bins:
                self._numbers[start + bin_] += 1
        else:
            self._cells[slot, index, :-1] += np.bincount(bins, minlength=self._bins)

    def sums(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the counts of the window by version."""
        first = self._part() - PARTS
        sums = {}
        for slot, version in self._names.read().items():
            parts = self._cells[int(slot)]
            sums[version] = parts[parts[:, -1] > first, :-1].sum(axis=0)
        return sums

    def _part(self) -> int:
        return 1 + int(monotonic() / self._seconds)

    def _claim(self, version: str) -> int | None:
        """Return a version's slot, the same in every worker; None if all are taken."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                names = self._names.read()
                slots = {name: int(slot) for slot, name in names.items()}
                slot = slots.get(version, len(names))
                if slot == _VERSIONS:
                    return None
                self._names.write(**names, **({} if version in slots else {str(slot): version}))
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        self._slots[version] = slot
        return slot
