"""The queue: all statements of web workers and task workers to the database.

A task is run by a process, its `runner`, of a `worker`; until it ends, or they do, both are in its
row. A runner cannot store a result once its task was cancelled, timed out or given to another one:
a result is stored once.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .database import Database, placeholders
from .errors import QueueFull
from .files import Files, StoredFile, size_of
from .heartbeats import Heartbeats
from .queue_limits import FULL, TOTALS, QueueLimits
from .task import (
    CANCELED,
    COLUMNS,
    PROCESSING,
    QUEUED,
    SUCCEEDED,
    ClaimedTask,
    NewTask,
    Outcome,
    Task,
)

GONE_FACTOR = 7
"""How many times as long as its result a task is kept, to respond with 410 and not 404."""
_NO_REQUEST = "request = '{}', input = NULL, input_file = NULL"
"""A task that is done keeps only the fingerprint of its request."""
_RUNNABLE = "status = ? AND (retry_at IS NULL OR ? NOT BETWEEN postponed_at AND retry_at)"


class Store:
    """The tasks in a database and in files. TasksUnavailable if these cannot be used now."""

    def __init__(self, database: Database, files: Files, max_tasks: int, max_input: int) -> None:
        self._database = database
        self._files = files
        self.limits = QueueLimits(database, max_tasks, max_input)
        self._was_empty = True
        self.heartbeats = Heartbeats(database)
        self.poll = database.poll
        self.exists = database.exists
        self.close = database.close

    def add(
        self, new: NewTask, content: bytes | StoredFile, *, is_limited: bool = True
    ) -> tuple[Task, bool]:
        """Queue a task, unless its id exists; return the task, and whether it is new.

        QueueFull if it `is_limited` and too many tasks are waiting, or too many bytes of requests.
        """
        inline, file, size = self._files.stored(content)
        size, limits = size + len(new.request), self.limits
        values = {
            "id": new.id,
            "target": new.target,
            "status": QUEUED,
            "fingerprint": new.fingerprint,
            "request": new.request,
            "created_at": time.time(),
            "retries": new.retries,
            "timeout": new.timeout,
            "webhook": new.webhook,
            "input": inline,
            "input_file": file,
            "size": size,
        }
        bounds: tuple[Any, ...] = ()
        source = f"VALUES ({placeholders([*values])})"
        with self._files.discarding(file):
            if is_limited and not limits.surely_allow(size):
                source = (
                    f"SELECT {placeholders([*values])} FROM ({TOTALS}) AS queue "
                    "WHERE waiting < ? AND total + ? <= ?"
                )
                bounds = (QUEUED, limits.max_tasks, size, limits.max_input)
            added = self._tasks(
                f"INSERT INTO tasks ({', '.join(values)}) {source} "
                f"ON CONFLICT (id) DO NOTHING RETURNING {COLUMNS}",
                *(*values.values(), *bounds),
            )
        stored = added[0] if added else self.find(new.id)
        if stored is None or stored.input_file != file:
            self._files.remove(file)
        if stored is None:
            raise QueueFull(FULL)
        return stored, bool(added)

    def find(self, task_id: str) -> Task | None:
        """Return the task with an id; None if there is none."""
        if not self.exists():
            return None
        tasks = self._tasks(f"SELECT {COLUMNS} FROM tasks WHERE id = ?", task_id)
        return tasks[0] if tasks else None

    def counts(self) -> dict[str, int]:
        """Return the number of tasks by status."""
        if not self.exists():
            return {}
        return dict(self._database.rows("SELECT status, count(*) FROM tasks GROUP BY status"))

    def has_queued(self) -> bool:
        """Report whether a task can run now."""
        sql = f"SELECT 1 FROM tasks WHERE {_RUNNABLE} LIMIT 1"
        return self.exists() and bool(self._database.rows(sql, QUEUED, time.time()))

    def log(self, task: Task) -> str:
        """Return the log of a task."""
        return str(self._column(task, "log") or "")

    @contextmanager
    def open_input(self, task: ClaimedTask) -> Iterator[bytes | Path]:
        """Yield the body of a task's request, or, if it is large, the path of its file."""
        if task.is_large and task.input_file:
            with self._files.local(task.input_file) as path:
                yield path
        else:
            with self._files.open(task.input, task.input_file) as file:
                body = file.read()
            yield body

    def open_result(self, task: Task) -> IO[bytes]:
        """Open the stored result of a task."""
        return self._files.open(self._column(task, "result"), task.result_file)

    def cancel(self, task: Task) -> Task | None:
        """Cancel a task; None if it is done already. If it is running, its worker will end it."""
        cancelled = self._tasks(
            f"UPDATE tasks SET status = ?, completed_at = ?, size = 0, {_NO_REQUEST} "
            f"WHERE seq = ? AND status IN (?, ?) RETURNING {COLUMNS}",
            *(CANCELED, time.time(), task.seq, QUEUED, PROCESSING),
        )
        if not cancelled:
            return None
        self._files.remove(task.input_file)
        return cancelled[0]

    def clear(self, *, only_done: bool) -> list[str]:
        """Remove all tasks that are done, after cancelling the others; return their ids."""
        if not self.exists():
            return []
        if not only_done:
            open_ = "WHERE completed_at IS NULL"
            files = self._database.rows(f"SELECT input_file FROM tasks {open_}")
            sql = f"UPDATE tasks SET status = ?, completed_at = ?, size = 0, {_NO_REQUEST} {open_}"
            self._database.rows(sql, CANCELED, time.time())
            for (file,) in files:
                self._files.remove(file)
        return [task.id for task in self._forget("")]

    def forget(self, task: Task) -> None:
        """Remove a task that is done, with its result."""
        self._forget("AND seq = ?", task.seq)

    def _forget(self, condition: str, *values: Any) -> list[Task]:
        """Remove tasks that are done, except those whose processes have not been ended yet."""
        gone = self._tasks(
            "DELETE FROM tasks WHERE completed_at IS NOT NULL AND worker IS NULL "
            f"{condition} RETURNING {COLUMNS}",
            *values,
        )
        for task in gone:
            self._files.remove(task.result_file)
        return gone

    def claim(self, worker: str, runner: int) -> ClaimedTask | None:
        """Give the task that has waited the longest to a runner; None if none waits.

        If the database crashes at once, it may be queued again: this runner then stores no result.
        """
        if self._was_empty and not self.has_queued():  # takes no lock from others
            return None
        claimed = self._database.rows(
            "UPDATE tasks SET status = ?, worker = ?, runner = ?, started_at = ?, progress = NULL, "
            "message = '', log = '', attempts = attempts + 1 WHERE status = ? AND seq = "
            f"(SELECT seq FROM tasks WHERE {_RUNNABLE} ORDER BY seq LIMIT 1 "
            f"{self._database.claim_lock}) {self._database.no_sync} RETURNING {COLUMNS}, input",
            *(PROCESSING, worker, runner, time.time(), QUEUED, QUEUED, time.time()),
        )
        self._was_empty = not claimed
        return ClaimedTask(*claimed[0]) if claimed else None

    def report(self, task: Task, progress: float | None, message: str, log: str) -> bool:
        """Store the progress of a running task; False if it is no longer this runner's."""
        sql = "UPDATE tasks SET progress = ?, message = ?, log = ? "
        mine, values = _claimed(task)
        return bool(self._database.rows(sql + mine, progress, message, log, *values))

    def finish(self, task: Task, outcome: Outcome, log: str | None = None) -> bool:
        """Store the outcome of a running task, or requeue it if another attempt may succeed.

        False if it is no longer this runner's.
        """
        if outcome.retry_after is not None and task.attempts <= task.retries:
            return self._postpone(task, outcome, log)
        content, file = self._files.put(outcome.content)
        mine, values = _claimed(task)
        with self._files.discarding(file):
            stored = self._database.rows(
                "UPDATE tasks SET status = ?, completed_at = ?, seconds = ?, error = ?, "
                "progress = CASE WHEN ? = 1 THEN 1 ELSE progress END, log = coalesce(?, log), "
                f"result = ?, result_file = ?, size = ?, {_NO_REQUEST}, "
                f"worker = NULL, runner = NULL {mine}",
                *(outcome.status, time.time(), outcome.seconds, outcome.error),
                *(int(outcome.status == SUCCEEDED), log),
                *(content, file, size_of(outcome.content) + len(log or "")),
                *values,
            )
        self._files.remove(task.input_file if stored else file)
        return bool(stored)

    def _postpone(self, task: Task, outcome: Outcome, log: str | None) -> bool:
        """Requeue a running task for later; its message says why it waits."""
        (mine, values), now = _claimed(task), time.time()
        sql = (
            "UPDATE tasks SET status = ?, worker = NULL, runner = NULL, started_at = NULL, "
            "progress = NULL, message = ?, log = coalesce(?, log), postponed_at = ?, "
            f"retry_at = ? {mine}"
        )
        pause = now, now + (outcome.retry_after or 0)
        return bool(self._database.rows(sql, QUEUED, outcome.detail, log, *pause, *values))

    def abandon(self, task: Task, log: str | None = None) -> None:
        """Release a task that was cancelled, with the end of its log if that is known."""
        values = "log = coalesce(?, log), worker = NULL, runner = NULL"
        sql = f"UPDATE tasks SET {values} WHERE seq = ? AND runner = ?"
        self._database.rows(sql, log, task.seq, task.runner)

    def claims(self, worker: str) -> list[Task]:
        """Return the tasks of a worker's runners, including cancelled ones."""
        return self._tasks(f"SELECT {COLUMNS} FROM tasks WHERE worker = ?", worker)

    def requeue(self, task: Task, reason: str, *, counts: bool = True) -> None:
        """Take a task from a runner that has ended: requeue it, or fail it after its last attempt.

        If it `counts`, this was one of its attempts.
        """
        mine, values = _claimed(task)
        if task.is_done:
            self.abandon(task)
        elif counts and task.attempts > task.retries:
            self.finish(task, Outcome.failed(task, 500, reason))
        else:
            self._database.rows(
                "UPDATE tasks SET status = ?, worker = NULL, runner = NULL, started_at = NULL, "
                f"attempts = ? {mine}",
                *(QUEUED, task.attempts - (not counts), *values),
            )

    def expire(self, keep: float, max_kept: int) -> None:
        """Remove results older than `keep` seconds, and the oldest beyond `max_kept` bytes.

        As many finished tasks are kept as may wait, and as many again to respond with 410. Files
        that no task uses are removed, too.
        """
        now = time.time()
        old = self._tasks(
            f"SELECT {COLUMNS} FROM ("
            "SELECT *, sum(size) OVER newest AS total, row_number() OVER newest AS place "
            "FROM tasks WHERE completed_at IS NOT NULL AND removed = 0 "
            "WINDOW newest AS (ORDER BY completed_at DESC, seq DESC)"
            ") AS kept WHERE completed_at < ? OR total > ? OR place > ?",
            *(now - keep, max_kept, self.limits.max_tasks),
        )
        for task in old:
            sql = (
                "UPDATE tasks SET removed = 1, result = NULL, result_file = NULL, log = '', "
                "size = 0 WHERE seq = ?"
            )
            self._database.rows(sql, task.seq)
            self._files.remove(task.result_file)
        self._database.rows(
            "DELETE FROM tasks WHERE removed = 1 AND (completed_at < ? OR seq <= "
            "(SELECT seq FROM tasks WHERE removed = 1 ORDER BY seq DESC LIMIT 1 OFFSET ?))",
            *(now - GONE_FACTOR * keep, self.limits.max_tasks),
        )
        self._files.sweep()

    def _column(self, task: Task, name: str) -> Any:
        rows = self._database.rows(f"SELECT {name} FROM tasks WHERE seq = ?", task.seq)
        return rows[0][0] if rows else None

    def _tasks(self, sql: str, *values: Any) -> list[Task]:
        return [Task(*row) for row in self._database.rows(sql, *values)]


def _claimed(task: Task) -> tuple[str, tuple[Any, ...]]:
    """Return the end of a statement that changes a task only during this runner's attempt."""
    return (
        "WHERE seq = ? AND worker = ? AND runner = ? AND attempts = ? AND status = ? RETURNING seq",
        (task.seq, task.worker, task.runner, task.attempts, PROCESSING),
    )
