"""Records responses in a separate thread, in groups: no response waits for the disk."""

from __future__ import annotations

import atexit
import logging
import os
import time
from threading import Event, Lock, Thread

from ..settings import MIB
from .errors import FeedbackUnavailable
from .store import FeedbackStore, ResponseRecord

LINGER = 0.02
"""Seconds for which responses are collected; then they are written in one transaction."""
MAX_WAITING = 16 * MIB
"""Bytes of waiting responses; any more are dropped and counted."""
_OVERHEAD = 400  # bytes of a response, besides its predictions
_log = logging.getLogger("mmf.feedback")


class ResponseWriter:
    """The queue of one process; responses that cannot be written are dropped and counted."""

    def __init__(self, store: FeedbackStore) -> None:
        self._store = store
        self._lock, self._writing, self._wake = Lock(), Lock(), Event()
        self._owner = 0
        self._waiting: list[ResponseRecord] = []
        self._size = self._dropped = 0
        self._has_failed = False

    def put(self, response: ResponseRecord) -> None:
        """Queue a response, if there is room."""
        with self._lock:
            if self._owner != os.getpid():
                self._begin()
            size = _OVERHEAD + len(response.predictions or b"")
            if self._size + size > MAX_WAITING:
                self._dropped += 1
                return
            self._waiting.append(response)
            self._size += size
        self._wake.set()

    def write(self) -> None:
        """Write all waiting responses now."""
        with self._writing:
            with self._lock:
                responses, dropped = self._waiting, self._dropped
                self._waiting, self._size, self._dropped = [], 0, 0
            if not (responses or dropped):
                return
            try:
                self._store.add(responses, dropped)
                self._has_failed = False
            except FeedbackUnavailable as error:
                if not self._has_failed:
                    _log.error("responses are not recorded: %s", error)
                self._has_failed = True
                with self._lock:
                    self._dropped += len(responses) + dropped

    def _begin(self) -> None:
        """Start the thread of this process, which may be a fork of one that has its own."""
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
                _log.exception("responses are not recorded")
