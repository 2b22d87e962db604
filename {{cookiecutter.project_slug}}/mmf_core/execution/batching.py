"""Micro-batching: requests that arrive while a call is running share the next one.

No request waits while the target is idle: the first request calls at once. Those that arrive during
a call wait, each in its own thread, and when the call ends they share the next call if their rows
are compatible. So the batch size follows the load.

Under load, the clients of a call send their next requests when it has ended, a moment too late
for the next call. So a call that follows another one waits for as many requests as
shared that one, for WAIT_CALLS times as long as it took and MAX_WAIT seconds at most, counted from
its end: a target that was idle for that long, or that calls for one request at a time, has no wait.
Neither has a target with a time limit: its requests have none to spare.

The newest request of a batch leads: it makes the call in its own thread. It has the most time left,
so its deadline cuts no other request short.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from threading import Event, Lock
from time import perf_counter
from typing import Any

from ..blocking import blocking
from ..errors import (
    ClientGone,
    DeadlineExceeded,
    MMFError,
    Overloaded,
    ResultError,
    Unavailable,
)
from .calls import Arguments, Call
from .deadlines import deadline_exceeded, time_left
from .limits import HANG_UP_POLL
from .rows import in_order, join, signature, split
from .timings import Timings

WAIT_CALLS = 2.0
MAX_WAIT = 0.02
_log = logging.getLogger("mmf.batching")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request in the queue, and its outcome."""

    arguments: Arguments
    timings: Timings
    signature: tuple[Any, ...] | None = None
    leads: bool = False  # makes the call, for itself and others
    woken: Event | None = None  # of a request that has to wait
    result: Any = None
    error: BaseException | None = None

    def wake(self) -> None:
        if self.woken:
            self.woken.set()

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


class MicroBatcher:
    """A call that batches the rows of several requests, `max_rows` at most.

    `rows` is the argument that holds them. Requests are batched if its columns and types are the
    same (they always are if `uniform`) and so are the values of every other argument. A batch that
    fails is repeated request by request, so that a bad row fails only its own request. A request
    waits for `seconds` at most, or without a limit if None.
    """

    def __init__(
        self,
        call: Call,
        route: str,
        rows: str,
        max_rows: int,
        *,
        uniform: bool = False,
        seconds: float | None = None,
    ) -> None:
        self._call = call
        self._route = route
        self._rows = rows
        self._max_rows = max_rows
        self._uniform = uniform
        self._seconds = seconds
        self._lock = Lock()
        self._calling = False
        self._queue: deque[_Ticket] = deque()
        self._enabled = True
        self._last_size = 1  # requests that shared the last call
        self._wait_until = 0.0  # on `perf_counter`'s clock
        self._is_complete: Event | None = None  # set when as many requests are there again

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        if not self._enabled:
            return self._call(arguments, timings)
        ticket = _Ticket(arguments, timings)
        with self._lock:
            self._queue.append(ticket)
            ticket.leads = not self._calling
            self._calling = True
            if not ticket.leads:
                ticket.woken = Event()
            if self._is_complete and len(self._queue) >= self._last_size:
                self._is_complete.set()
        if ticket.woken:
            with blocking():
                self._wait(ticket, ticket.woken)
        if ticket.leads:
            self._wait_for_others()
            self._lead(ticket)
        return ticket.outcome()

    def _wait(self, ticket: _Ticket, woken: Event) -> None:
        """Wait for the result, or to lead; DeadlineExceeded and ClientGone end the wait."""
        while not woken.wait(min(HANG_UP_POLL, left := self._time_left(ticket))):
            if left <= 0:
                return self._leave(ticket, deadline_exceeded(self._route, self._seconds or 0))
            if ticket.timings.is_abandoned():
                return self._leave(
                    ticket, ClientGone("the client has gone while its call was waiting")
                )
        return None

    def _time_left(self, ticket: _Ticket) -> float:
        return inf if self._seconds is None else time_left(self._seconds, ticket.timings)

    def _leave(self, ticket: _Ticket, error: MMFError) -> None:
        """Raise the error of a request that waits no longer, unless it has an outcome already."""
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket.leads:
                self._appoint_leader()
            elif ticket.woken and ticket.woken.is_set():  # at the last moment
                return
        raise error

    def _wait_for_others(self) -> None:
        """Wait for as many requests as shared the last call, for a moment after its end."""
        with self._lock:
            left = self._wait_until - perf_counter()
            if left <= 0 or len(self._queue) >= self._last_size:
                return
            self._is_complete = Event()
        with blocking():
            self._is_complete.wait(left)
        with self._lock:
            self._is_complete = None

    def _lead(self, leader: _Ticket) -> None:
        """Call for a request and all compatible ones, then appoint the next leader."""
        with self._lock:
            batch = list(self._compatible(leader))
            for ticket in batch:
                self._queue.remove(ticket)
            self._last_size = len(batch)
        started = perf_counter()
        try:
            self._run(leader, batch)
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
            raise
        finally:
            if self._seconds is None:
                ended = perf_counter()
                self._wait_until = ended + min(WAIT_CALLS * (ended - started), MAX_WAIT)
            for ticket in batch:
                ticket.wake()
            with self._lock:
                self._appoint_leader()

    def _appoint_leader(self) -> None:
        """Let the newest of the tickets lead that are compatible with the first in the queue."""
        self._calling = bool(self._queue)
        if self._queue:
            *_, leader = self._compatible(self._queue[0])
            leader.leads = True
            leader.wake()

    def _compatible(self, leader: _Ticket) -> Iterator[_Ticket]:
        """Yield the tickets that can share the leader's call; the others stay queued."""
        if len(self._queue) == 1:
            yield leader
            return
        total, expected = 0, self._signature(leader)
        for ticket in list(self._queue):
            if self._signature(ticket) == expected:
                rows = len(ticket.arguments[self._rows])
                total += rows
                if total > max(rows, self._max_rows):
                    return
                yield ticket

    def _signature(self, ticket: _Ticket) -> tuple[Any, ...]:
        """Return what tickets must have in common to share a call; computed on first use."""
        if ticket.signature is None:
            # by their text: 0.0 equals -0.0, and 12:00 in UTC equals 15:00 in Moscow
            others = [repr(value) for name, value in ticket.arguments.items() if name != self._rows]
            rows = ticket.arguments[self._rows]
            ticket.signature = (*signature(rows, uniform=self._uniform), others)
        return ticket.signature

    def _run(self, leader: _Ticket, batch: list[_Ticket]) -> None:
        if len(batch) > 1 and self._enabled and self._run_batch(leader, batch):
            return
        for ticket in batch:
            ticket.timings.batch_leader = True
            try:
                ticket.result = self._call(ticket.arguments, ticket.timings)
            except BaseException as error:  # noqa: BLE001 - raised in the thread of the request
                ticket.error = error

    def _run_batch(self, leader: _Ticket, batch: list[_Ticket]) -> bool:
        """Call once for all; False if that failed and no request has an outcome yet."""
        tables = [ticket.arguments[self._rows] for ticket in batch]
        counts = [len(table) for table in tables]
        received = max(ticket.timings.received for ticket in batch)
        timings = Timings(batch_size=len(batch), entered=leader.timings.entered, received=received)
        try:
            rows = join(tables, uniform=self._uniform)
            result = self._call({**leader.arguments, self._rows: rows}, timings)
            if (result := in_order(result)) is None:
                self._enabled = False
                _log.warning(
                    "%s: batching disabled for this target: it returns rows in another order, or "
                    "with a named index, which does not identify their requests",
                    self._route,
                )
                return False
            parts = list(split(result, counts)) if len(result) == sum(counts) else []
        # The call may still be running, or each request would wait again for a silent upstream.
        except (DeadlineExceeded, Overloaded, Unavailable) as error:
            for ticket in batch:
                ticket.error = error
            return True
        except Exception as error:  # noqa: BLE001 - each request reports its own
            _log.info("%s: a batch failed, repeating each request: %r", self._route, error)
            return False
        self._share(leader, batch, timings)
        for ticket, part in zip(batch, parts, strict=False):
            ticket.result = part
        if not parts:
            self._disable(batch, len(result), sum(counts))
        return True

    def _share(self, leader: _Ticket, batch: list[_Ticket], timings: Timings) -> None:
        """Copy the times of a shared call to each of its requests."""
        leader.timings.batch_leader = True
        for ticket in batch:
            own = ticket.timings
            own.queue = timings.entered + timings.queue - own.entered
            own.call, own.batch_size = timings.call, timings.batch_size

    def _disable(self, batch: list[_Ticket], received: int, expected: int) -> None:
        """Stop batching: whose rows these are would be a guess."""
        self._enabled = False
        message = f"{self._route} has batch= and returned {received} rows for {expected}"
        _log.warning("%s: batching disabled for this target", message)
        for ticket in batch:
            ticket.error = ResultError(f"{message}: expected a row for each row")
