"""Micro-batching: requests that arrive while a call is running share the next one.

Nobody waits when the worker is idle: whoever comes then calls at once. Whoever comes during a call
waits, and when it ends, the first in line calls for all in line whose rows fit together. So a batch
grows with the load by itself, without a timer.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

from ..errors import MMFError, ResultError
from .calls import Arguments, Call
from .measures import Measures
from .rows import join, signature, split

_log = logging.getLogger("mmf.batching")


@dataclass(slots=True, eq=False)
class _Ticket:
    """A request in line: woken when its outcome is there, or when it is its turn to call."""

    arguments: Arguments
    measures: Measures
    woken: Event = field(default_factory=Event)
    leads: bool = False
    result: Any = None
    error: BaseException | None = None

    def outcome(self) -> Any:
        if self.error is not None:
            raise self.error
        return self.result


class Batched:
    """A call that joins the rows of several requests, `max_rows` at most.

    `rows` is the argument that holds them. Requests are joined where it has the same columns and
    types, and every other argument the same value. A joined call that fails is repeated for each
    request alone, so that a bad row fails only its own.
    """

    def __init__(self, call: Call, route: str, rows: str, max_rows: int) -> None:
        self._call = call
        self._route = route
        self._rows = rows
        self._max_rows = max_rows
        self._lock = Lock()
        self._line: deque[_Ticket] = deque()
        self._busy = False
        self._joins = True

    def __call__(self, arguments: Arguments, measures: Measures) -> Any:
        if not self._joins:
            return self._call(arguments, measures)
        ticket = _Ticket(arguments, measures)
        with self._lock:
            if self._busy:
                self._line.append(ticket)
            else:
                self._busy = ticket.leads = True
        if not ticket.leads:
            ticket.woken.wait()
        if ticket.leads:
            self._lead(ticket)
        return ticket.outcome()

    def _lead(self, first: _Ticket) -> None:
        """Call for the first in line and all that fit to it; hand the lead to the next."""
        batch = [first, *self._take_fitting(first)] if self._line else [first]
        try:
            self._run(batch)
        finally:
            for ticket in batch[1:]:
                ticket.woken.set()
            self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            self._busy = bool(self._line)
            if not self._line:
                return
            ticket = self._line.popleft()
        ticket.leads = True
        ticket.woken.set()

    def _take_fitting(self, first: _Ticket) -> list[_Ticket]:
        """Take from the line what can be joined to the first; the others keep their places."""
        with self._lock:
            taken = list(self._fitting(first))
            for ticket in taken:
                self._line.remove(ticket)
        return taken

    def _fitting(self, first: _Ticket) -> Iterator[_Ticket]:
        rows, wanted = len(first.arguments[self._rows]), self._signature(first)
        for ticket in self._line:
            rows += len(ticket.arguments[self._rows])
            if rows > self._max_rows:
                return
            if self._signature(ticket) == wanted:
                yield ticket

    def _signature(self, ticket: _Ticket) -> tuple[Any, ...]:
        scalars = [value for name, value in ticket.arguments.items() if name != self._rows]
        return (*signature(ticket.arguments[self._rows]), scalars)

    def _run(self, batch: list[_Ticket]) -> None:
        if len(batch) > 1 and self._run_joined(batch):
            return
        for ticket in batch:
            try:
                ticket.result = self._call(ticket.arguments, ticket.measures)
            except BaseException as error:  # noqa: BLE001 - raised again where it belongs
                ticket.error = error

    def _run_joined(self, batch: list[_Ticket]) -> bool:
        """Call once for all; False where that failed and nobody has an outcome yet."""
        tables = [ticket.arguments[self._rows] for ticket in batch]
        counts = [len(table) for table in tables]
        measures = Measures(joined=len(batch))
        try:
            result = self._call({**batch[0].arguments, self._rows: join(tables)}, measures)
        except MMFError:
            _log.info("%s: a joined call failed; each request is called alone", self._route)
            return False
        for ticket in batch:
            ticket.measures.started(measures.entered)
            ticket.measures.call, ticket.measures.joined = measures.call, measures.joined
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
