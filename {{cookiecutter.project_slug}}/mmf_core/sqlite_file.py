"""A SQLite file that several processes of a service write to: in WAL mode, with migrations."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

from .processes import DescriptorsClosed, OwnDescriptors, open_descriptors

_BUSY_TIMEOUT = 10.0  # seconds for which a statement waits for those of other processes
_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.01  # seconds between two attempts meanwhile
_CHECKPOINT = 4000  # pages of the log that are written to the file at a time, with two fsyncs
_unusable: list[sqlite3.Connection] = []
"""Connections without descriptors of their own: closing one would close the files of others."""
T = TypeVar("T")


class SQLiteFile:
    """One connection of this process, opened when it is needed; the file is made then, too.

    `migrations` are what each version of the file has added to the one before; none is ever
    changed. With `is_safe` a transaction survives a power cut, not only the end of any process.
    """

    def __init__(self, path: Path, migrations: Sequence[str], *, is_safe: bool = False) -> None:
        self.path = path
        self._migrations = migrations
        self._sync = "FULL" if is_safe else "NORMAL"
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._opened: tuple[int, ...] | None = None  # the process, and the file
        self._descriptors = OwnDescriptors()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Return what is done with the connection; each statement is a transaction.

        sqlite3.Error or OSError if the file cannot be used now; DescriptorsClosed if this process
        never can: SQLite shares descriptors between the connections of a process. It is done again
        while another process is writing.
        """
        with self._lock:
            return _patiently(lambda: work(self._open()))

    def write(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do as `run`, all in one transaction; after an error nothing of it is done."""

        def in_transaction(connection: sqlite3.Connection) -> T:
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                return work(connection)

        return self.run(in_transaction)

    def exists(self) -> bool:
        """Report whether there is a file."""
        return self._connection is not None or self.path.exists()

    def close(self) -> None:
        """Close the connection, as before a fork, which none survives."""
        with self._lock:
            if self._connection and self._opened and self._opened[0] == os.getpid():
                try:
                    self._descriptors.check()
                    self._connection.close()
                except DescriptorsClosed:
                    _unusable.append(self._connection)
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        """Return the connection to the file that is there now; another may have been deleted."""
        if self._connection and self._opened:
            if self._opened[0] == os.getpid():
                self._descriptors.check()
            if self._opened == self._current():
                return self._connection
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        paths = [Path(f"{self.path}{suffix}") for suffix in ("", "-wal", "-shm")]
        before = open_descriptors(paths)
        connection = sqlite3.connect(
            self.path, timeout=0, isolation_level=None, check_same_thread=False
        )
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._opened = connection, self._current()
        self._descriptors = OwnDescriptors(open_descriptors(paths) - before)
        return connection

    def _current(self) -> tuple[int, ...]:
        try:
            status = self.path.stat()
        except OSError:
            return (os.getpid(),)
        return os.getpid(), status.st_dev, status.st_ino

    def _prepare(self, connection: sqlite3.Connection) -> None:
        connection.execute(f"PRAGMA synchronous={self._sync}")
        connection.execute(f"PRAGMA wal_autocheckpoint={_CHECKPOINT}")
        connection.execute("PRAGMA foreign_keys=ON")
        newest = len(self._migrations)
        if _version(connection) < newest:
            connection.execute("PRAGMA journal_mode=WAL")
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                for migration in self._migrations[_version(connection) :]:  # done by another?
                    for statement in _statements(migration):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version={newest}")
        elif _version(connection) > newest:
            raise sqlite3.DatabaseError("the file was written by a newer version of this service")


def _statements(script: str) -> Iterator[str]:
    """Yield each statement; those of a trigger are one with it."""
    statement = ""
    for part in script.split(";"):
        statement += f"{part};"
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


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
