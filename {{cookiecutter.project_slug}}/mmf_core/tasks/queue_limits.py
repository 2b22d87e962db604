"""The limits of the queue: how many tasks may wait, and how many bytes of requests.

Counting a long queue takes longer than adding a task to it. So a process counts once a second, and
again for each task only when the queue is so full that others may have filled it meanwhile.
"""

from __future__ import annotations

import time

from ..settings import MIB
from .database import Database
from .task import QUEUED

TOTALS = "SELECT count(*) AS waiting, coalesce(sum(size), 0) AS total FROM tasks WHERE status = ?"
MARGIN_TASKS, MARGIN_BYTES = 10_000, 1024 * MIB
"""More than all processes together can add in `RECOUNT_INTERVAL`."""
RECOUNT_INTERVAL = 1.0


class QueueLimits:
    """At most `max_tasks` wait, with `max_input` bytes of requests."""

    def __init__(self, database: Database, max_tasks: int, max_input: int) -> None:
        self._database = database
        self.max_tasks = max_tasks
        self.max_input = max_input
        self._waiting = self._total = 0
        self._recount_at = 0.0

    def surely_allow(self, size: int) -> bool:
        """Report whether a task fits for certain; otherwise the queue must be counted to add it.

        It is taken to be added. TasksUnavailable if the queue cannot be counted now.
        """
        if time.monotonic() >= self._recount_at:
            ((self._waiting, self._total),) = self._database.rows(TOTALS, QUEUED)
            self._recount_at = time.monotonic() + RECOUNT_INTERVAL
        self._waiting += 1
        self._total += size
        return (
            self._waiting + MARGIN_TASKS <= self.max_tasks
            and self._total + MARGIN_BYTES <= self.max_input
        )
