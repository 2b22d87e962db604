"""Micro-batching: requests that arrive while a call is running share the next one.

Nobody waits when the worker is idle: whoever comes then calls at once, with those that the worker
found waiting together with it. Whoever comes during a call waits in line, and when the call ends,
the next one is for all in line whose rows fit together. So a batch grows with the load by itself,
without a timer.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock
from typing import Any

from ..errors import MMFError, ResultError
from ..turns import step_aside
from .calls import Arguments, Call
from .deadlines import time_left, too_late
from .rows import join, signature, split
from .timings import Timings

_log = logging.getLogger("mmf.batching")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request in line, and what came of it."""

    arguments: Arguments
    timings: Timings
    served: bool = False
    given_up: bool = False
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
    that fails is repeated for each request alone, so that a bad row fails only its own. Nobody
    waits in line for longer than `seconds`, where they are given.
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
        self._calling = Lock()
        self._line: deque[_Ticket] = deque()
        self._joins = True

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        if not self._joins:
            return self._call(arguments, timings)
        ticket = _Ticket(arguments, timings)
        self._line.append(ticket)
        step_aside()
        if not ticket.served:
            self._wait_for_the_call(ticket)
            try:
                while not ticket.served:
                    self._serve_the_first()
            finally:
                self._calling.release()
        return ticket.outcome()

    def _wait_for_the_call(self, ticket: _Ticket) -> None:
        """Wait until no other call is running; DeadlineExceeded if that takes too long."""
        if self._seconds is None:
            self._calling.acquire()
        elif not self._calling.acquire(timeout=max(0, time_left(self._seconds, ticket.timings))):
            ticket.given_up = True
            raise too_late(self._route, self._seconds)

    def _serve_the_first(self) -> None:
        """Call for the first in line and all that fit to it."""
        first = self._line.popleft()
        if first.given_up:
            return
        batch = [first, *self._fitting(first)]
        for ticket in batch[1:]:
            self._line.remove(ticket)
        self._run(batch)
        for ticket in batch:
            ticket.served = True

    def _fitting(self, first: _Ticket) -> Iterator[_Ticket]:
        """Yield those in line who can be joined to the first; the others keep their places."""
        rows, wanted = len(first.arguments[self._rows]), self._signature(first)
        for ticket in list(self._line):
            rows += len(ticket.arguments[self._rows])
            if rows > self._max_rows:
                return
            if not ticket.given_up and self._signature(ticket) == wanted:
                yield ticket

    def _signature(self, ticket: _Ticket) -> tuple[Any, ...]:
        scalars = [value for name, value in ticket.arguments.items() if name != self._rows]
        return (*signature(ticket.arguments[self._rows], uniform=self._uniform), scalars)

    def _run(self, batch: list[_Ticket]) -> None:
        if len(batch) > 1 and self._run_joined(batch):
            return
        for ticket in batch:
            ticket.timings.batch_leader = True
            try:
                ticket.result = self._call(ticket.arguments, ticket.timings)
            except BaseException as error:  # noqa: BLE001 - raised again where it belongs
                ticket.error = error

    def _run_joined(self, batch: list[_Ticket]) -> bool:
        """Call once for all; False where that failed and nobody has an outcome yet."""
        tables = [ticket.arguments[self._rows] for ticket in batch]
        counts = [len(table) for table in tables]
        timings = Timings(batch_size=len(batch), entered=batch[0].timings.entered)
        try:
            rows = join(tables, uniform=self._uniform)
            result = self._call({**batch[0].arguments, self._rows: rows}, timings)
        except MMFError:
            _log.info("%s: a joined call failed; each request is called alone", self._route)
            return False
        batch[0].timings.batch_leader = True
        for ticket in batch:
            ticket.timings.started(timings.entered + timings.queue)
            ticket.timings.call, ticket.timings.batch_size = timings.call, timings.batch_size
        if len(result) == sum(counts):
            for ticket, part in zip(batch, split(result, counts), strict=True):
                ticket.result = part
        else:
            self._stop_joining(batch, len(result), sum(counts))
        return True

    def _stop_joining(self, batch: list[_Ticket], got: int, given: int) -> None:
        """Refuse to guess whose rows these are, now and in future."""
        self._joins = False
        message = f"{self._route} has batch= and returned {got} rows for {given}"
        _log.warning("%s: its requests are not joined any more", message)
        for ticket in batch:
            ticket.error = ResultError(f"{message}: a row for each row is needed")
