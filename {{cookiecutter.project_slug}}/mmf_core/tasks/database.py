"""The database of the queue: a SQLite file, which needs no server."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

from ..processes import DescriptorsClosed
from ..sqlite_file import SQLiteFile
from .errors import ConnectionClosed, TasksUnavailable

MIGRATIONS = (
    """
CREATE TABLE IF NOT EXISTS tasks (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL,
    status TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    request TEXT NOT NULL,
    created_at DOUBLE PRECISION NOT NULL,
    started_at DOUBLE PRECISION,
    completed_at DOUBLE PRECISION,
    seconds DOUBLE PRECISION,
    progress DOUBLE PRECISION,
    message TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0,
    retries INTEGER NOT NULL,
    timeout DOUBLE PRECISION NOT NULL,
    worker TEXT,
    runner INTEGER,
    error TEXT,
    removed INTEGER NOT NULL DEFAULT 0,
    size BIGINT NOT NULL DEFAULT 0,
    input_file TEXT,
    result_file TEXT,
    log TEXT NOT NULL DEFAULT '',
    input BLOB,
    result BLOB
);
CREATE INDEX IF NOT EXISTS tasks_by_status ON tasks (status, seq);
CREATE INDEX IF NOT EXISTS tasks_by_worker ON tasks (worker) WHERE worker IS NOT NULL;
CREATE TABLE IF NOT EXISTS heartbeats (worker TEXT PRIMARY KEY, beats BIGINT NOT NULL)
""",
    """
ALTER TABLE tasks ADD COLUMN webhook TEXT;
ALTER TABLE tasks ADD COLUMN posts INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tasks ADD COLUMN post_at DOUBLE PRECISION;
CREATE INDEX tasks_by_webhook ON tasks (post_at) WHERE webhook IS NOT NULL
""",
    """
DROP INDEX tasks_by_status;
CREATE INDEX tasks_by_status ON tasks (status, seq, size)
""",
    """
CREATE TABLE files (name TEXT PRIMARY KEY, delete_at DOUBLE PRECISION NOT NULL)
""",
    """
ALTER TABLE tasks ADD COLUMN retry_at DOUBLE PRECISION;
DROP INDEX tasks_by_status;
CREATE INDEX tasks_by_status ON tasks (status, seq, size, retry_at)
""",
    """
ALTER TABLE files ADD COLUMN reserved BIGINT NOT NULL DEFAULT 0;
CREATE INDEX files_by_reserved ON files (name, reserved) WHERE reserved > 0;
CREATE INDEX tasks_by_input ON tasks (input_file) WHERE input_file IS NOT NULL
""",
    """
ALTER TABLE tasks ADD COLUMN postponed_at DOUBLE PRECISION;
DROP INDEX tasks_by_status;
CREATE INDEX tasks_by_status ON tasks (status, seq, size, retry_at, postponed_at)
""",
)
"""What each version of the schema has added to the one before; none may be changed."""


class Database(Protocol):
    """The interface of a database of the queue; placeholders in its statements are `?`.

    `poll` is the interval for polling an idle queue, in seconds; `claim_lock` ends the statement
    that chooses a task to claim. `no_sync` ends the condition of a statement that may be lost if
    the database crashes, and need not wait for its disk.
    """

    poll: float
    claim_lock: str
    no_sync: str

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows.

        TasksUnavailable if it cannot be run now, ConnectionClosed if never in this process.
        """

    def exists(self) -> bool:
        """Report whether the queue exists: an empty one need not be created."""

    def close(self) -> None:
        """Close the connection, as before a fork, which it would not survive."""


class SQLite:
    """The queue in a file; every statement is a transaction.

    With `is_safe` a transaction survives a power cut, not only the end of any process.
    """

    poll = 0.02
    claim_lock = ""  # a statement that writes has the whole file
    no_sync = ""  # MMF_TASK_SYNC decides

    def __init__(self, folder: Path, *, is_safe: bool = False) -> None:
        self._file = SQLiteFile(folder / "tasks.db", MIGRATIONS, is_safe=is_safe)

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows. Errors are those of `Database`."""
        with unavailable():
            return self._file.run(lambda connection: connection.execute(sql, values).fetchall())

    def exists(self) -> bool:
        """Report whether there has ever been a task: the file is created with the first one."""
        return self._file.exists()

    def close(self) -> None:
        """Close the connection, as before a fork, which it would not survive."""
        self._file.close()


@contextmanager
def unavailable(setting: str = "MMF_TASKS_DIR") -> Iterator[None]:
    """Raise TasksUnavailable for errors in the block: a full disk, a missing folder, a lock."""
    try:
        yield
    except DescriptorsClosed as error:
        raise ConnectionClosed(f"tasks cannot be stored by this process: {error}") from error
    except (sqlite3.Error, OSError) as error:
        raise TasksUnavailable(
            f"tasks cannot be stored (set {setting}): {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    """Return the reason without a path, which callers need not know."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def placeholders(values: Sequence[Any]) -> str:
    """Return one placeholder for each value."""
    return ", ".join("?" * len(values))
