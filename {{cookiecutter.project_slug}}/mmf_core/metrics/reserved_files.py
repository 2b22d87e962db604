"""prometheus_client's files of counts, with room reserved before it is mapped.

prometheus_client maps files with holes. If the file system is full, the first write to a hole ends
the process (SIGBUS). So the room is reserved here; what finds none is counted in private memory,
which `/metrics` does not report, until there is room again. No request fails.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from prometheus_client import mmap_dict

_FIRST = 1 << 16  # bytes; with these prometheus_client begins
_ENTRY = 32  # bytes that an entry takes besides its key, at most
_DOUBLE = 8  # bytes of a value
_MmapedDict: Any = mmap_dict.MmapedDict  # has few types
_log = logging.getLogger("mmf.metrics")


class ReservedFile(_MmapedDict):  # type: ignore[misc]
    """Counts by key in a file that other processes read; in this process only, if it is full."""

    _doubles: memoryview[float] | None

    def __init__(self, filename: str) -> None:
        self._path = Path(filename)
        self._private: dict[str, tuple[float, float]] = {}
        self._is_complete = True
        self._forget()
        self._open()

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a value and its timestamp, 0 if it is new."""
        try:
            value: tuple[float, float] = super().read_value(key)
        except KeyError:  # no room
            value = self._private.setdefault(key, (0.0, 0.0))
        return value

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Replace a value and its timestamp."""
        try:
            super().write_value(key, value, timestamp)
        except KeyError:
            self._private[key] = value, timestamp

    def place(self, key: str) -> tuple[memoryview[float], int] | None:
        """Return this file as doubles, and the index of a value, before its timestamp.

        Nothing else takes as little time to change. None for a value that has found no room.
        """
        position = self._positions.get(key)
        if position is None:
            return None
        if self._doubles is None or self._doubles.obj is not self._m:  # the file has grown
            self._doubles = memoryview(self._m).cast("d")
        return self._doubles, position // _DOUBLE

    def close(self) -> None:
        """Close the file; the memory is unmapped when nobody has a place in it any more."""
        if self._f:
            self._f.close()
        self._forget()

    def _init_value(self, key: str) -> None:
        """Add a key, if there is room for it."""
        if not self._f:
            self._open()
        needed = self._used + len(key.encode()) + _ENTRY
        if self._f and (needed <= self._capacity or self._reserve(2 * needed)):
            super()._init_value(key)

    def _open(self) -> None:
        if self._reserve(_FIRST):
            try:
                super().__init__(str(self._path))
            except OSError as error:
                self._report(error)
                self._forget()

    def _forget(self) -> None:
        self._f: Any = None
        self._m: Any = None
        self._doubles = None
        self._positions: dict[str, int] = {}
        self._used = self._capacity = 0

    def _reserve(self, size: int) -> bool:
        """Have the file system keep this many bytes for the file; report whether it could."""
        try:
            with self._path.open("ab") as file:
                reserve(file.fileno(), max(size, os.fstat(file.fileno()).st_size))
        except OSError as error:
            self._report(error)
            return False
        return True

    def _report(self, error: OSError) -> None:
        if self._is_complete:
            self._is_complete = False
            _log.error("/metrics is incomplete, no room for %s: %s", self._path, error)


def reserve(descriptor: int, size: int) -> None:
    """Reserve the first `size` bytes of a file; OSError if the file system is full."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
    else:  # macOS
        end = os.fstat(descriptor).st_size
        os.pwrite(descriptor, bytes(size - end), end)
