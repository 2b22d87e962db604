"""The limits of the queue: how many tasks may wait, and how many bytes of requests.

A large table has its place from its first byte: the row of its file reserves it until a task has
the file. If its process is killed, `Files.sweep` removes the row with what has arrived.

Counting a long queue takes longer than adding a task to it. So a process counts once a second, and
again for each task only when the queue is so full that others may have filled it meanwhile.
"""

from __future__ import annotations

import time

from ..settings import MIB
from .database import Database
from .errors import QueueFull
from .task import QUEUED

TOTALS = (
    "SELECT count(*) AS waiting, coalesce(sum(size), 0) AS total FROM "
    "(SELECT size FROM tasks WHERE status = ? UNION ALL SELECT reserved FROM files WHERE "
    "reserved > 0 AND NOT EXISTS (SELECT 1 FROM tasks WHERE input_file = files.name)) AS sizes"
)
FULL = "too many tasks wait (set MMF_MAX_TASKS, MMF_MAX_TASKS_MIB)"
MARGIN_TASKS, MARGIN_BYTES = 10_000, 1024 * MIB
"""More than all processes together can add in `RECOUNT_INTERVAL`, without what they reserve."""
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

    def reserve(self, size: int, file: str, delete_at: float) -> None:
        """Reserve the place of a task of `size` bytes, whose file will arrive.

        The file has it until it is the task's, or is removed, which has to be done after an error,
        too. QueueFull if none is left.
        """
        sql = (
            "INSERT INTO files (name, delete_at, reserved) "
            f"SELECT ?, ?, ? FROM ({TOTALS}) AS queue WHERE waiting < ? AND total + ? <= ? "
            "ON CONFLICT (name) DO UPDATE SET delete_at = excluded.delete_at RETURNING name"
        )
        bounds = (QUEUED, self.max_tasks, size, self.max_input)
        has_place = bool(self._database.rows(sql, file, delete_at, size, *bounds))
        if has_place:  # PostgreSQL: neither of two such statements at a time sees the other's row
            ((waiting, total),) = self._database.rows(TOTALS, QUEUED)
            has_place = waiting <= self.max_tasks and total <= self.max_input
        if not has_place:
            raise QueueFull(FULL)
        self._recount_at = 0.0
