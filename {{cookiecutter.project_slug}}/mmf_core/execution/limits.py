"""Concurrency: so many calls at a time, so many more in line, and a plain no to the rest."""

from __future__ import annotations

from threading import BoundedSemaphore, Lock
from typing import Any

from ..errors import Overloaded
from .calls import Arguments, Call
from .timings import Timings


class ConcurrencyLimiter:
    """A call that runs `most` times at once in this process; `queue` more wait for their turn."""

    def __init__(self, call: Call, route: str, most: int, queue: int) -> None:
        self._call = call
        self._route = route
        self._room = most + queue
        self._turn = BoundedSemaphore(most)
        self._lock = Lock()
        self._inside = 0

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        with self._lock:
            if self._inside >= self._room:
                raise Overloaded(f"{self._route} has all the calls that it can take")
            self._inside += 1
        try:
            with self._turn:
                return self._call(arguments, timings)
        finally:
            with self._lock:
                self._inside -= 1
