"""The list of tasks, as callers see it: its pages, and positions in the queue."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import Any

from .database import Database, placeholders
from .task import COLUMNS, QUEUED, Task


class Listing:
    """The tasks in a database, to read. TasksUnavailable if it cannot be used at the moment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(
        self,
        where: dict[str, str],
        after: int | None,
        limit: int,
        targets: Collection[str] | None = None,
    ) -> list[Task]:
        """Return the newest tasks with these values; those before the position `after`, if given.

        Those of `targets` only, unless that is None.
        """
        if not self._database.exists():
            return []
        conditions = [f"{column} = ?" for column in where]
        values: list[Any] = [*where.values()]
        if after is not None:
            conditions.append("seq < ?")
            values.append(after)
        if targets is not None:
            names = [*targets]
            conditions.append(f"target IN ({placeholders(names)})" if names else "1 = 0")
            values += names
        clause = f"WHERE {' AND '.join(conditions)} " if conditions else ""
        sql = f"SELECT {COLUMNS} FROM tasks {clause}ORDER BY seq DESC LIMIT ?"
        return [Task(*row) for row in self._database.rows(sql, *values, limit)]

    def positions(self, tasks: Sequence[Task]) -> list[int | None]:
        """Return how many queued tasks are ahead of each; None for tasks that are not queued.

        One statement, whatever their number: those ahead of the first one are counted once.
        """
        waiting = [task.seq for task in tasks if task.status == QUEUED]
        if not waiting:
            return [None] * len(tasks)
        first, last = min(waiting), max(waiting)
        rows = self._database.rows(
            "SELECT seq, (SELECT count(*) FROM tasks WHERE status = ? AND seq < ?) FROM tasks "
            "WHERE status = ? AND seq BETWEEN ? AND ? ORDER BY seq",
            *(QUEUED, first, QUEUED, first, last),
        )
        queued = [seq for seq, _ in rows]  # without those that were claimed meanwhile
        before = rows[0][1] if rows else 0
        return [
            before + bisect_left(queued, task.seq) if task.status == QUEUED else None
            for task in tasks
        ]
