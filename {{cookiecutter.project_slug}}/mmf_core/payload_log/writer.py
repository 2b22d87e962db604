"""The queue between requests and the log, and the thread of a worker that drains it.

A request only enqueues its record. When the queue is full, because a disk or a receiver is slow,
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

MAX_RECORDS = 1_000
"""Records in a worker's queue."""
MAX_CELLS = 1_000_000
"""Cells of all records in the queue, so that they take some tens of MiB at most."""
FLUSH_TIMEOUT = 5.0
"""Seconds for which the end of a worker waits for its last records."""
Row = Mapping[str, Any]
_log = logging.getLogger("mmf.payload_log")


class NotWritten(OSError):
    """Records are lost, `records` of them; the message says why."""

    def __init__(self, reason: object, records: int) -> None:
        super().__init__(str(reason))
        self.records = records


class Sink(Protocol):
    """Where records go; its methods return how many have been written, or raise NotWritten."""

    def add(self, row: Row) -> int:
        """Write a record, or buffer it until more of them are written."""

    def flush(self) -> int:
        """Write the buffered records."""

    def seconds_left(self) -> float | None:
        """Return in how many seconds `flush` is due; None if nothing is buffered."""


class Writer:
    """A queue and a thread in each process that writes; `row` turns a record into a row."""

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
        """Add a record, or drop and count it."""
        with self._lock:
            if self._owner != os.getpid():
                self._start()
            is_full = self._count >= MAX_RECORDS or (
                self._count > 0 and self._cells + record.cells > MAX_CELLS
            )
            if not is_full:
                self._count += 1
                self._cells += record.cells
        if is_full:
            count(DROPPED)
        else:
            self._queue.put(record)

    def close(self) -> None:
        """Write the queue, for FLUSH_TIMEOUT seconds at most."""
        if self._owner == os.getpid():
            self._queue.put(None)
            self._thread.join(FLUSH_TIMEOUT)

    @classmethod
    def close_all(cls) -> None:
        """Write the queues of this process, which ends without Python's own exit."""
        for writer in cls._all:
            writer.close()

    def _start(self) -> None:
        """Start in this process, which may be a fork."""
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
        """Write, and count; a failure is logged once, until writing succeeds again."""
        try:
            written = write()
        except Exception as error:  # noqa: BLE001 - the thread must not end
            count(FAILED, getattr(error, "records", 1))
            if not self._is_failing:
                is_expected = isinstance(error.__cause__ or error, OSError | MMFError)
                text = "the payload log cannot be written, and its records are lost: %s"
                _log.error(text, error, exc_info=None if is_expected else error)
            self._is_failing = True
            return
        if written:
            count(WRITTEN, written)
            if self._is_failing:
                _log.info("the payload log is written again")
            self._is_failing = False
