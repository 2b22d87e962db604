"""Counts of the last seconds by version, in memory that all workers of a service share.

The window moves by twelfths. Workers add to the same numbers without a lock: two that do so in the
same microsecond lose a row, of which there are thousands, and no request waits for another.
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
Places = list[int] | np.ndarray[Any, Any]
"""Bins by their numbers: a list of few, or an array."""


class Window:
    """Counts in `bins` of each of two versions, those that answer first; made before the fork."""

    def __init__(self, bins: int, seconds: float) -> None:
        self._seconds = seconds / PARTS
        shape = _VERSIONS, PARTS + 1, bins + 1  # the last number says which part it is
        memory = mmap.mmap(-1, _VERSIONS * (PARTS + 1) * (bins + 1) * _SIZE)
        self._cells: Any = np.frombuffer(memory, dtype=np.int64).reshape(shape)
        self._numbers = memoryview(memory).cast("q")  # the same, without NumPy
        self._bins = bins
        self._names = SharedText()  # of the versions, by their places
        self._names.share()
        self._file, self._lock = shared_file(), Lock()
        self._places: dict[str, int] = {}

    def add(self, version: str, places: Places) -> None:
        """Add one to each of these bins, some of them more than once, for a version."""
        place = self._places.get(version)
        if place is None and (place := self._claim(version)) is None:
            return
        part = self._part()
        index = part % (PARTS + 1)
        start = (place * (PARTS + 1) + index) * (self._bins + 1)
        if self._numbers[start + self._bins] != part:
            self._cells[place, index, :-1] = 0
            self._numbers[start + self._bins] = part
        if isinstance(places, list):
            for bin_ in places:
                self._numbers[start + bin_] += 1
        else:
            self._cells[place, index, :-1] += np.bincount(places, minlength=self._bins)

    def sums(self) -> dict[str, np.ndarray[Any, Any]]:
        """Return the counts of the window by version."""
        first = self._part() - PARTS
        sums = {}
        for place, version in self._names.read().items():
            parts = self._cells[int(place)]
            sums[version] = parts[parts[:, -1] > first, :-1].sum(axis=0)
        return sums

    def _part(self) -> int:
        return 1 + int(monotonic() / self._seconds)

    def _claim(self, version: str) -> int | None:
        """Return the place of a version, which it has in every worker; None if there is no more."""
        with self._lock:
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                names = self._names.read()
                known = {name: int(place) for place, name in names.items()}
                place = known.get(version, len(names))
                if place == _VERSIONS:
                    return None
                self._names.write(**names, **({} if version in known else {str(place): version}))
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        self._places[version] = place
        return place
