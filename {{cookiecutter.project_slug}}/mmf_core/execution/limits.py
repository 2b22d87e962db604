"""Concurrency limits: a few calls run, a few more wait, the rest are rejected at once."""

from __future__ import annotations

from threading import BoundedSemaphore, Lock
from typing import Any

from ..errors import Overloaded
from .calls import Arguments, Call
from .timings import Timings


class ConcurrencyLimiter:
    """A call that runs `limit` times at once in this process; `queue` more wait for their turn."""

    def __init__(self, call: Call, route: str, limit: int, queue: int) -> None:
        self._call = call
        self._route = route
        self._capacity = limit + queue
        self._slots = BoundedSemaphore(limit)
        self._lock = Lock()
        self._admitted = 0

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        with self._lock:
            if self._admitted >= self._capacity:
                raise Overloaded(f"{self._route} is at its limit of {self._capacity} calls")
            self._admitted += 1
        try:
            with self._slots:
                return self._call(arguments, timings)
        finally:
            with self._lock:
                self._admitted -= 1
