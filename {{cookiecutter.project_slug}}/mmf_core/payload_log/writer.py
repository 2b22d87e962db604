"""The queue between requests and the log, and the thread of a worker that empties it.

A request only puts its record there. When the queue is full, because a disk or a receiver is slow,
records are dropped and counted.
"""

from __future__ import annotations

import atexit
import logging
import os
from collections.abc import Callable, Mapping
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import Any, ClassVar, Protocol
from weakref import WeakSet

from ..errors import MMFError
from .outcomes import DROPPED, FAILED, WRITTEN, count
from .record import Record

MOST = 1_000
"""Records that wait in a worker."""
MOST_CELLS = 1_000_000
"""Cells of all records that wait, so that they take some tens of MiB at most."""
LAST_SECONDS = 5.0
"""How long the end of a worker waits for its last records."""
Row = Mapping[str, Any]
_log = logging.getLogger("mmf.payload_log")


class NotWritten(OSError):
    """So many lines are lost; the message says why."""

    def __init__(self, reason: object, lines: int) -> None:
        super().__init__(str(reason))
        self.lines = lines


class Sink(Protocol):
    """Where lines go; its methods return how many have been written, or raise NotWritten."""

    def add(self, row: Row) -> int:
        """Write a line, or keep it until more of them are written."""

    def flush(self) -> int:
        """Write the lines that are kept."""

    def seconds_left(self) -> float | None:
        """Return in how many seconds `flush` is due; None if nothing is kept."""


class Writer:
    """A queue and a thread in each process that writes; `row` makes a line of a record."""

    _all: ClassVar[WeakSet[Writer]] = WeakSet()

    def __init__(self, sink: Sink, row: Callable[[Record], Row]) -> None:
        self._sink = sink
        self._row = row
        self._lock = Lock()
        self._owner = 0
        self._count = self._cells = 0
        self._is_failing = False
        self._all.add(self)

    def put(self, record: Record) -> None:
        """Add a record, or drop it and count that."""
        with self._lock:
            if self._owner != os.getpid():
                self._start()
            is_full = self._count >= MOST or self._cells + record.cells > MOST_CELLS
            if not is_full:
                self._count += 1
                self._cells += record.cells
        if is_full:
            count(DROPPED)
        else:
            self._queue.put(record)

    def close(self) -> None:
        """Write what waits, for LAST_SECONDS at most."""
        if self._owner == os.getpid():
            self._queue.put(None)
            self._thread.join(LAST_SECONDS)

    @classmethod
    def close_all(cls) -> None:
        """Write what waits in this process, which ends without Python's own exit."""
        for writer in cls._all:
            writer.close()

    def _start(self) -> None:
        """Begin in this process, which may be a fork."""
        self._queue: SimpleQueue[Record | None] = SimpleQueue()
        self._count = self._cells = 0
        self._thread = Thread(target=self._run, name="mmf-payload-log", daemon=True)
        self._thread.start()
        self._owner = os.getpid()
        atexit.register(self.close)

    def _run(self) -> None:
        while True:
            try:
                record = self._queue.get(timeout=self._sink.seconds_left())
            except Empty:
                self._write(self._sink.flush)
                continue
            if record is None:
                self._write(self._sink.flush)
                return
            self._add(record)

    def _add(self, record: Record) -> None:
        self._write(lambda: self._sink.add(self._row(record)))
        with self._lock:
            self._count -= 1
            self._cells -= record.cells

    def _write(self, write: Callable[[], int]) -> None:
        """Write, and count; the log says once that it fails, until it succeeds again."""
        try:
            written = write()
        except Exception as error:  # noqa: BLE001 - the thread must not end
            count(FAILED, getattr(error, "lines", 1))
            if not self._is_failing:
                is_usual = isinstance(error.__cause__ or error, OSError | MMFError)
                text = "the payload log cannot be written, and its lines are lost: %s"
                _log.error(text, error, exc_info=None if is_usual else error)
            self._is_failing = True
            return
        if written:
            count(WRITTEN, written)
            if self._is_failing:
                _log.info("the payload log is written again")
            self._is_failing = False
