"""Counts in a time window by version, in memory that all workers of a service share.

The window moves in twelfths. Processes and threads add to it one after the other, under a lock.
"""

from __future__ import annotations

import fcntl
import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from threading import Lock
from time import monotonic
from typing import Any

import numpy as np

from ..shared_memory import SharedText, shared_file

PARTS = 12
_VERSIONS = 2
_SIZE = 8  # bytes of a number


class Window:
    """Counts in `bins` of the first two versions that respond; created before the fork."""

    def __init__(self, bins: int, seconds: float) -> None:
        self._seconds = seconds / PARTS
        shape = _VERSIONS, PARTS + 1, bins + 1  # the last number identifies the part
        memory = mmap.mmap(-1, prod(shape) * _SIZE)
        self._cells: Any = np.frombuffer(memory, dtype=np.int64).reshape(shape)
        self._bins = bins
        self._names = SharedText()  # of the versions, by their slots
        self._names.share()
        self._file, self._lock = shared_file(), Lock()
        self._slots: dict[str, int] = {}

    def add(self, version: str, bins: np.ndarray[Any, Any]) -> None:
        """Add one to each of these bins, which may repeat, for a version."""
        counts = np.bincount(bins, minlength=self._bins)
        with self._alone():
            slot = self._slots.get(version)
            if slot is None and (slot := self._claim(version)) is None:
                return
            part = self._part()
            cells = self._cells[slot, part % (PARTS + 1)]
            if cells[-1] != part:
                cells[:-1] = 0
                cells[-1] = part
            cells[:-1] += counts

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

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Exclude other threads and processes."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _claim(self, version: str) -> int | None:
        """Return a version's slot, the same in every worker; None if all are taken."""
        names = self._names.read()
        slots = {name: int(slot) for slot, name in names.items()}
        slot = slots.get(version, len(names))
        if slot == _VERSIONS:
            return None
        if version not in slots:
            self._names.write(**names, **{str(slot): version})
        self._slots[version] = slot
        return slot
