"""The database of the queue: a SQLite file, which needs no server."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any, Protocol, TypeVar

from .errors import TasksUnavailable

_BUSY_TIMEOUT = 10.0  # seconds for which a statement waits for those of other processes
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.01  # seconds between two attempts meanwhile
_CHECKPOINT = 4000  # pages of the log that are written to the file at a time, with two fsyncs
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
)
"""What each version of the queue has added to the one before; none is ever changed."""
T = TypeVar("T")


class Database(Protocol):
    """What the queue needs of one; placeholders in its statements are `?`.

    `poll` are the seconds between two looks at an idle queue; `claim_lock` ends the statement that
    chooses a task to claim.
    """

    poll: float
    claim_lock: str

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows. TasksUnavailable if it cannot be run now."""

    def exists(self) -> bool:
        """Report whether there is a queue: nothing has to be made to find it empty."""

    def close(self) -> None:
        """Close the connection, as before a fork, which none survives."""


class SQLite:
    """One connection of this process, opened when it is needed; every statement is a transaction.

    With `is_safe` a transaction survives a power cut, not only the end of any process.
    """

    poll = 0.02
    claim_lock = ""  # a statement that writes has the whole file

    def __init__(self, folder: Path, *, is_safe: bool = False) -> None:
        self.path = folder / "tasks.db"
        self._sync = "FULL" if is_safe else "NORMAL"
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, int] | None = None  # the process, and the file's inode

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows. TasksUnavailable if the file cannot be used now."""
        with self._lock, unavailable():
            return _patiently(lambda: self._open().execute(sql, values).fetchall())

    def exists(self) -> bool:
        """Report whether there has ever been a task: nothing is made until there is one."""
        return self._connection is not None or self.path.exists()

    def close(self) -> None:
        """Close the connection, as before a fork, which none survives."""
        with self._lock:
            if self._connection and self._opened and self._opened[0] == os.getpid():
                self._connection.close()
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """Return the connection to the file that is there now; another may have been deleted."""
        if self._connection and self._opened == self._current():
            return self._connection
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, self._current()
        return connection

    def _current(self) -> tuple[int, int]:
        try:
            return os.getpid(), self.path.stat().st_ino
        except OSError:
            return os.getpid(), 0

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous={self._sync}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
        if _version(connection) < len(MIGRATIONS):
            connection.execute("PRAGMA journal_mode=WAL")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for migration in MIGRATIONS[_version(connection) :]:  # others may have done it
                    for statement in migration.split(";"):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version={len(MIGRATIONS)}")
        elif _version(connection) > len(MIGRATIONS):
            raise TasksUnavailable("tasks are those of a newer version of this service")


def _patiently(action: Callable[[], T]) -> T:
    """Do what may have to wait for another process, which takes it a fraction of a millisecond.

    SQLite's own way waits a millisecond at first, and soon 25, 50 and 100.
    """
    end, pause = time.monotonic() + _BUSY_TIMEOUT, _FIRST_PAUSE
    while True:
        try:
            return action()
        except sqlite3.OperationalError as error:
            is_busy = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
            if not is_busy or time.monotonic() > end:
                raise
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


@contextmanager
def unavailable(setting: str = "MMF_TASKS_DIR") -> Iterator[None]:
    """Raise TasksUnavailable for what a full disk, a missing folder or a lock do in the block."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise TasksUnavailable(
            f"tasks cannot be stored (set {setting}): {_reason(error)}"
        ) from error


def _reason(error: Exception) -> str:
    """Return the reason without a path, which is of no concern to callers."""
    return (isinstance(error, OSError) and error.strerror) or str(error)


def placeholders(values: Sequence[Any]) -> str:
    """Return as many placeholders as there are values."""
    return ", ".join("?" * len(values))
