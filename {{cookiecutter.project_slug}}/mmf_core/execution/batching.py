"""Micro-batching: requests that arrive while a call is running share the next one.

No request waits while the target is idle: the first one calls at once. Those that arrive during a
call wait, each in its own thread, and when the call ends the next one is for all of them whose rows
fit together. So a batch grows with the load by itself, without a timer.

The newest request of a batch makes the call, in its own thread: it has the most time left, so that
its deadline cuts no other one short.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from ..errors import DeadlineExceeded, Overloaded, ResultError
from .calls import Arguments, Call
from .deadlines import time_left, too_late
from .rows import join, signature, split
from .timings import Timings

_log = logging.getLogger("mmf.batching")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request in the queue, and its outcome."""

    arguments: Arguments
    timings: Timings
    signature: tuple[Any, ...] | None = None
    leads: bool = False  # it is to make the call, for itself and others
    woken: Event = field(default_factory=Event)
    result: Any = None
    error: BaseException | None = None

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


class MicroBatcher:
    """A call that joins the rows of several requests, `max_rows` at most.

    `rows` is the argument that holds them. Requests are joined where it has the same columns and
    types (always, where they are `uniform`), and every other argument the same value. A joined call
    that fails is repeated for each request alone, so that a bad row fails only its own. A request
    waits for `seconds` at most, where they are given.
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
        self._joins = True

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        if not self._joins:
            return self._call(arguments, timings)
        ticket = _Ticket(arguments, timings)
        with self._lock:
            self._queue.append(ticket)
            ticket.leads = not self._calling
            self._calling = True
        if not ticket.leads:
            self._wait(ticket)
        if ticket.leads:
            self._lead(ticket)
        return ticket.outcome()

    def _wait(self, ticket: _Ticket) -> None:
        """Wait for a call, or for the lead; DeadlineExceeded if that takes too long."""
        left = None if self._seconds is None else time_left(self._seconds, ticket.timings)
        if ticket.woken.wait(left):
            return
        with self._lock:
            if ticket in self._queue:
                self._queue.remove(ticket)
            if ticket.leads:
                self._appoint_leader()
            elif ticket.woken.is_set():  # at the last moment
                return
        raise too_late(self._route, self._seconds or 0)

    def _lead(self, leader: _Ticket) -> None:
        """Call for one request and all that fit to it, and let another one lead."""
        with self._lock:
            batch = list(self._fitting(leader))
            for ticket in batch:
                self._queue.remove(ticket)
        try:
            self._run(leader, batch)
        except BaseException as error:
            for ticket in batch:
                ticket.error = error
            raise
        finally:
            for ticket in batch:
                ticket.woken.set()
            with self._lock:
                self._appoint_leader()

    def _appoint_leader(self) -> None:
        """Let the newest ticket lead of those that fit the first in the queue."""
        self._calling = bool(self._queue)
        if self._queue:
            *_, leader = self._fitting(self._queue[0])
            leader.leads = True
            leader.woken.set()

    def _fitting(self, leader: _Ticket) -> Iterator[_Ticket]:
        """Yield the tickets that can share the leader's call; the others keep their places."""
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
        """Return what tickets must have in common to share a call; made once, when it matters."""
        if ticket.signature is None:
            others = [value for name, value in ticket.arguments.items() if name != self._rows]
            rows = ticket.arguments[self._rows]
            ticket.signature = (*signature(rows, uniform=self._uniform), others)
        return ticket.signature

    def _run(self, leader: _Ticket, batch: list[_Ticket]) -> None:
        if len(batch) > 1 and self._joins and self._run_joined(leader, batch):
            return
        for ticket in batch:
            ticket.timings.batch_leader = True
            try:
                ticket.result = self._call(ticket.arguments, ticket.timings)
            except BaseException as error:  # noqa: BLE001 - raised again where it belongs
                ticket.error = error

    def _run_joined(self, leader: _Ticket, batch: list[_Ticket]) -> bool:
        """Call once for all; False where that failed and no request has an outcome yet."""
        tables = [ticket.arguments[self._rows] for ticket in batch]
        counts = [len(table) for table in tables]
        timings = Timings(batch_size=len(batch), entered=leader.timings.entered)
        try:
            rows = join(tables, uniform=self._uniform)
            result = self._call({**leader.arguments, self._rows: rows}, timings)
            parts = list(split(result, counts)) if len(result) == sum(counts) else []
        except (DeadlineExceeded, Overloaded) as error:  # it may be running still
            for ticket in batch:
                ticket.error = error
            return True
        except Exception as error:  # noqa: BLE001 - each request shows its own
            _log.info("%s: a joined call failed, calling for each request: %r", self._route, error)
            return False
        self._share(leader, batch, timings)
        for ticket, part in zip(batch, parts, strict=False):
            ticket.result = part
        if not parts:
            self._stop_joining(batch, len(result), sum(counts))
        return True

    def _share(self, leader: _Ticket, batch: list[_Ticket], timings: Timings) -> None:
        """Note the times of a joined call in each of its requests."""
        leader.timings.batch_leader = True
        for ticket in batch:
            own = ticket.timings
            own.queue = timings.entered + timings.queue - own.entered
            own.call, own.batch_size = timings.call, timings.batch_size

    def _stop_joining(self, batch: list[_Ticket], received: int, expected: int) -> None:
        """Refuse to guess whose rows these are, now and in future."""
        self._joins = False
        message = f"{self._route} has batch= and returned {received} rows for {expected}"
        _log.warning("%s: batching disabled for this target", message)
        for ticket in batch:
            ticket.error = ResultError(f"{message}: expected a row for each row")
