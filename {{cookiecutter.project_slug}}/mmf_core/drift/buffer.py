"""Calls with a few rows, counted in groups: NumPy takes almost as long for one row as for twenty.

A request only appends its rows. A thread of its process counts them within a second, or the request
that fills the buffer does: no row is dropped, and the memory is bounded.
"""

from __future__ import annotations

import logging
import os
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from threading import Event, Lock, Thread
from typing import Any, Protocol, TypeAlias

import numpy as np

from .bins import Array

INTERVAL = 1.0
"""Seconds between two counts."""
MAX_CALLS = 256
"""Calls that are buffered: less than a millisecond of counting."""
_log = logging.getLogger("mmf.drift")


class Counter(Protocol):
    """What counts the calls of a target."""

    def count(self, version: str, cells: Array, predictions: Array | None) -> None:
        """Count rows of cells, and predictions, for a version."""


BufferedCall: TypeAlias = tuple[Counter, str, Array, Array | None]
"""What counts a call, its version, and its cells and predictions, which nobody changes."""


class CallBuffer:
    """Buffers the calls of one process until they are counted."""

    def __init__(self) -> None:
        self._beginning, self._counting, self._wake = Lock(), Lock(), Event()
        self._owner = 0
        self._calls: deque[BufferedCall] = deque()  # safe to use by several threads

    def add(self, call: BufferedCall) -> None:
        """Add a call; the one that fills the buffer counts all of them."""
        if self._owner != os.getpid():
            self._begin()
        self._calls.append(call)
        if len(self._calls) >= MAX_CALLS:
            self.count()
        elif not self._wake.is_set():
            self._wake.set()

    def count(self) -> None:
        """Count all buffered calls."""
        with self._counting:
            groups: defaultdict[Any, list[BufferedCall]] = defaultdict(list)
            while self._calls:
                call = self._calls.popleft()
                groups[_group_of(*call)].append(call)
            for group in groups.values():
                try:
                    _count(group)
                except Exception:  # noqa: BLE001 - the others of its group can be counted
                    _count_singly(group)

    def _begin(self) -> None:
        """Start the thread of this process, which may be a fork of one that has its own."""
        with self._beginning:
            if self._owner != os.getpid():
                self._calls.clear()
                Thread(target=self._run, name="mmf-drift", daemon=True).start()
                self._owner = os.getpid()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(INTERVAL)
            self._wake.clear()
            self.count()


def _group_of(counter: Counter, version: str, cells: Array, predictions: Array | None) -> Any:
    """Return what calls share that are counted together: an array has cells of one type."""
    kind = None if predictions is None else (predictions.dtype.char, predictions.ndim)
    return counter, version, cells.dtype.char, kind


def _count_singly(group: Sequence[BufferedCall]) -> None:
    """Count the calls of a group that could not be counted together; nothing of it was added."""
    errors = []
    for call in group:
        try:
            _count([call])
        except Exception as error:  # noqa: BLE001 - the others can be counted
            errors.append(error)
    if errors:  # one line: a group may have hundreds
        _log.error(
            "calls that cannot be counted: %d of %d", len(errors), len(group), exc_info=errors[0]
        )


def _count(group: Sequence[BufferedCall]) -> None:
    counter, version, *_ = group[0]
    _, _, cells, predictions = zip(*group, strict=True)
    predicted = None if predictions[0] is None else np.concatenate(predictions).ravel()
    counter.count(version, np.concatenate(cells), predicted)
