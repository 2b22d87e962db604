"""Notes answers in a thread of its own, in groups: no answer waits for the disk."""

from __future__ import annotations

import atexit
import logging
import os
import time
from threading import Event, Lock, Thread

from ..settings import MIB
from .errors import FeedbackUnavailable
from .store import Answer, FeedbackStore

LINGER = 0.02
"""Seconds in which answers gather; then they are written in one transaction."""
MAX_WAITING = 16 * MIB
"""Bytes of answers that wait; any more are dropped and counted."""
_OF_EACH = 400  # bytes, beside its predictions
_log = logging.getLogger("mmf.feedback")


class AnswerWriter:
    """The queue of one process; what cannot be written is dropped and counted."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store
        self._lock, self._writing, self._wake = Lock(), Lock(), Event()
        self._owner = 0
        self._waiting: list[Answer] = []
        self._size = self._dropped = 0
        self._has_failed = False

    def put(self, answer: Answer) -> None:
        """Queue an answer, if there is room."""
        with self._lock:
            if self._owner != os.getpid():
                self._begin()
            size = _OF_EACH + len(answer.predictions or b"")
            if self._size + size > MAX_WAITING:
                self._dropped += 1
                return
            self._waiting.append(answer)
            self._size += size
        self._wake.set()

    def write(self) -> None:
        """Write all that wait, now."""
        with self._writing:
            with self._lock:
                answers, dropped = self._waiting, self._dropped
                self._waiting, self._size, self._dropped = [], 0, 0
            if not (answers or dropped):
                return
            try:
                self._store.add(answers, dropped)
                self._has_failed = False
            except FeedbackUnavailable as error:
                if not self._has_failed:
                    _log.error("answers are not noted: %s", error)
                self._has_failed = True
                with self._lock:
                    self._dropped += len(answers) + dropped

    def _begin(self) -> None:
        """Start the thread of this process, which is perhaps a fork of one that has its own."""
        if not self._owner:
            atexit.register(self.write)
        self._owner = os.getpid()
        self._waiting, self._size, self._dropped = [], 0, 0
        Thread(target=self._run, name="mmf-feedback", daemon=True).start()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            time.sleep(LINGER)
            self._wake.clear()
            try:
                self.write()
            except Exception:  # noqa: BLE001 - the next group may be written
                _log.exception("answers are not noted")
