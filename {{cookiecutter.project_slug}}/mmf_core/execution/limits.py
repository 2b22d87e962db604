"""Concurrency limits: a few calls run, a few more wait, the rest are rejected at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock
from typing import Any, Self

from ..errors import ClientGone, Overloaded
from .calls import Arguments, Call
from .timings import Timings

HANG_UP_POLL = 0.5
"""Seconds after which a request that waits looks whether its client is still there."""


class Slots:
    """`limit` slots; `queue` more calls wait for one, first come, first served.

    `full` is the message for a call that finds the queue full.
    """

    def __init__(self, limit: int, queue: int, full: str) -> None:
        self._full = full
        self._limit = limit
        self._max_queue = queue
        self._lock = Lock()
        self._running = 0
        self._queue: deque[Event] = deque()

    @classmethod
    def of_target(cls, route: str, limit: int, queue: int) -> Self:
        """Return the slots for the calls of a target."""
        calls = limit + queue
        unit = "call" if calls == 1 else "calls"
        return cls(limit, queue, f"{route} is at its limit of {calls} {unit}")

    @contextmanager
    def take(self, timings: Timings) -> Iterator[None]:
        """Hold a slot; Overloaded if the queue is full, ClientGone if nobody waits any longer."""
        if turn := self._enter():
            self._wait(turn, timings)
        try:
            yield
        finally:
            self._release()

    def _enter(self) -> Event | None:
        """Take a free slot; return the event of the call's turn if there is none."""
        with self._lock:
            if self._running < self._limit:
                self._running += 1
                return None
            if len(self._queue) >= self._max_queue:
                raise Overloaded(self._full)
            self._queue.append(turn := Event())
            return turn

    def _wait(self, turn: Event, timings: Timings) -> None:
        while not turn.wait(HANG_UP_POLL):
            if timings.is_abandoned():
                self._leave(turn)
                raise ClientGone("the client has gone while waiting")

    def _leave(self, turn: Event) -> None:
        with self._lock:
            if turn in self._queue:
                self._queue.remove(turn)
                return
        self._release()  # its turn has come at this very moment

    def _release(self) -> None:
        with self._lock:
            if self._queue:
                self._queue.popleft().set()
            else:
                self._running -= 1


class ConcurrencyLimiter:
    """A call that runs `limit` times at once in this process; `queue` more wait for their turn."""

    def __init__(self, call: Call, route: str, limit: int, queue: int) -> None:
        self._call = call
        self._slots = Slots.of_target(route, limit, queue)

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        with self._slots.take(timings):
            return self._call(arguments, timings)
