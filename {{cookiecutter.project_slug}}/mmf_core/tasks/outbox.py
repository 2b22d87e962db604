"""The pending webhooks of tasks that are done."""

from __future__ import annotations

import time

from .database import Database
from .task import COLUMNS, Task

ATTEMPTS = 12
FIRST_PAUSE = 5.0
"""Seconds until the second attempt; each further pause is twice as long."""
ATTEMPT_TIMEOUT = 30.0
"""Seconds for an attempt, during which no other process starts the next."""
_MAX_PAUSE = ATTEMPT_TIMEOUT + FIRST_PAUSE * 2**ATTEMPTS
_DUE = (
    "webhook IS NOT NULL AND completed_at IS NOT NULL "
    "AND (post_at IS NULL OR post_at <= ? OR post_at > ?)"  # a clock may have jumped back
)


class Outbox:
    """The webhooks in a queue. TasksUnavailable if it cannot be used at the moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_due(self) -> bool:
        """Report whether a task is due to be posted."""
        now = time.time()
        sql = f"SELECT 1 FROM tasks WHERE {_DUE} LIMIT 1"
        return bool(self._database.rows(sql, now, now + _MAX_PAUSE))

    def claim(self) -> tuple[Task, str, int] | None:
        """Claim an attempt: the task, its URL, the number of the attempt; None if none is due.

        First attempts come first: receivers that do not respond must not delay the others.
        """
        now = time.time()
        rows = self._database.rows(
            "UPDATE tasks SET posts = posts + 1, post_at = ? + ? * (1 << posts) WHERE seq = ("
            f"SELECT seq FROM tasks WHERE {_DUE} ORDER BY posts, post_at, seq LIMIT 1 "
            f"{self._database.claim_lock}) AND {_DUE} RETURNING {COLUMNS}, webhook, posts",
            *(now + ATTEMPT_TIMEOUT, FIRST_PAUSE, *(now, now + _MAX_PAUSE) * 2),
        )
        if not rows:
            return None
        *columns, url, attempt = rows[0]
        return Task(*columns), url, attempt

    def remove(self, task: Task) -> None:
        """Remove the webhook of a task: it was posted, or is given up."""
        self._database.rows("UPDATE tasks SET webhook = NULL WHERE seq = ?", task.seq)
