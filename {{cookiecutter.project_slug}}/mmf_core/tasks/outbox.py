"""The webhooks that are to be posted: those of tasks that are done, until each is posted."""

from __future__ import annotations

import time

from .database import Database
from .task import COLUMNS, Task

ATTEMPTS = 12
FIRST_PAUSE = 5.0
"""Seconds until the second attempt; each further pause is twice as long."""
LONGEST = 30.0
"""Seconds for an attempt, for which nobody else makes the next."""
_LONGEST_PAUSE = LONGEST + FIRST_PAUSE * 2**ATTEMPTS
_DUE = (
    "webhook IS NOT NULL AND completed_at IS NOT NULL "
    "AND (post_at IS NULL OR post_at <= ? OR post_at > ?)"  # a clock may have jumped back
)


class Outbox:
    """The webhooks in a queue. TasksUnavailable if it cannot be used just now."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def has_due(self) -> bool:
        """Report whether a task is to be posted now."""
        now = time.time()
        sql = f"SELECT 1 FROM tasks WHERE {_DUE} LIMIT 1"
        return bool(self._database.rows(sql, now, now + _LONGEST_PAUSE))

    def claim(self) -> tuple[Task, str, int] | None:
        """Claim an attempt: the task, where to post it, the number of the attempt; None if none.

        First attempts come first: receivers that do not answer must not hold up the others.
        """
        now = time.time()
        rows = self._database.rows(
            "UPDATE tasks SET posts = posts + 1, post_at = ? + ? * (1 << posts) WHERE seq = ("
            f"SELECT seq FROM tasks WHERE {_DUE} ORDER BY posts, post_at, seq LIMIT 1 "
            f"{self._database.claim_lock}) AND {_DUE} RETURNING {COLUMNS}, webhook, posts",
            *(now + LONGEST, FIRST_PAUSE, *(now, now + _LONGEST_PAUSE) * 2),
        )
        if not rows:
            return None
        *columns, url, attempt = rows[0]
        return Task(*columns), url, attempt

    def remove(self, task: Task) -> None:
        """Forget the webhook of a task: it was posted, or is given up."""
        self._database.rows("UPDATE tasks SET webhook = NULL WHERE seq = ?", task.seq)
