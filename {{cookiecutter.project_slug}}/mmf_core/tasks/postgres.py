"""The queue in PostgreSQL, which workers on several machines share: `MMF_TASKS=postgresql://…`.

Its tables are in their own schema, for one service.
"""

from __future__ import annotations

import logging
import os
from contextlib import suppress
from threading import Lock
from typing import Any

from ..packages import OptionalDependency
from ..processes import OwnDescriptors
from .database import MIGRATIONS, unavailable
from .errors import TasksUnavailable

SCHEMA = "mmf_tasks"
_CONNECT_TIMEOUT = 5  # seconds
_STATEMENT_TIMEOUT = 10_000  # ms
_LOCK = 7_236_914_502  # of the migrations: a number that no other program locks
_TYPES = {
    "INTEGER PRIMARY KEY AUTOINCREMENT": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
    "BLOB": "BYTEA",
}
_REPEATABLE = ("SELECT", "INSERT")
"""Statements of the queue that may run twice: each inserted row has a unique key."""
_inherited: list[Any] = []
"""Connections of the parent process of a fork: closing one would end the parent's session."""
_log = logging.getLogger("mmf.tasks")


class PostgreSQL(OptionalDependency):
    """One connection of this process, opened when needed; every statement is a transaction."""

    requires = {"psycopg": "psycopg[binary]"}  # noqa: RUF012 - as in every part that needs one
    poll = 0.1
    claim_lock = "FOR UPDATE SKIP LOCKED"
    no_sync = "AND set_config('synchronous_commit', 'off', true) IS NOT NULL"  # this statement only

    def __init__(self, uri: str) -> None:
        self.require("MMF_TASKS=postgresql://…")
        self._uri = uri
        self._lock = Lock()
        self._connection: Any = None
        self._owner = 0
        self._descriptors = OwnDescriptors()
        self._logged = ""  # the reason of an outage that lasts

    def rows(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement; return its rows. Errors are those of `Database`."""
        from psycopg import Error

        storable = [*map(_storable, values)]
        with self._lock:
            was_open = self._connection is not None
            if was_open and self._owner == os.getpid():
                with unavailable("MMF_TASKS"):
                    self._descriptors.check()
            try:
                try:
                    rows = self._run(sql, storable)
                except Error:
                    if not (was_open and self._connection.closed and sql.startswith(_REPEATABLE)):
                        raise
                    self._drop()  # the server has restarted since
                    rows = self._run(sql, storable)
            except (Error, OSError) as error:
                self._drop()
                if (reason := str(error)) != self._logged:  # a worker asks ten times a second
                    _log.warning("PostgreSQL: %s", reason)
                self._logged = reason
                raise TasksUnavailable(
                    "tasks cannot be stored (set MMF_TASKS): the database does not respond"
                ) from error
            self._logged = ""
            return rows

    def _run(self, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
        cursor = self._open().execute(sql.replace("?", "%s"), values)
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.description else []
        return rows

    def exists(self) -> bool:
        """Report that the queue exists: its server has been configured."""
        return True

    def close(self) -> None:
        """Close the connection, as before a fork, which it would not survive."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        if self._owner != os.getpid():
            _inherited.append(connection)
            return
        with suppress(OSError):
            connection.close()

    def _open(self) -> Any:
        if self._connection is not None and self._owner == os.getpid():
            return self._connection
        self._drop()
        import psycopg

        connection = psycopg.connect(self._uri, autocommit=True, connect_timeout=_CONNECT_TIMEOUT)
        try:
            self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        self._connection, self._owner = connection, os.getpid()
        self._descriptors = OwnDescriptors([connection.fileno()])
        return connection

    def _prepare(self, connection: Any) -> None:
        """Create or migrate the tables, one process at a time."""
        with connection.transaction():
            connection.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
            connection.execute(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}")
            connection.execute(f"SET search_path TO {SCHEMA}")
            connection.execute(f"SET statement_timeout TO {_STATEMENT_TIMEOUT}")
            connection.execute("CREATE TABLE IF NOT EXISTS version (number INTEGER NOT NULL)")
            row = connection.execute("SELECT max(number) FROM version").fetchone()
            version = row[0] or 0
            if version > len(MIGRATIONS):
                raise TasksUnavailable("tasks are those of a newer version of this service")
            for number, migration in enumerate(MIGRATIONS[version:], version + 1):
                for name, other in _TYPES.items():
                    migration = migration.replace(name, other)  # noqa: PLW2901
                connection.execute(migration)
                connection.execute("INSERT INTO version VALUES (%s)", [number])


def _storable(value: Any) -> Any:
    """Return a value as PostgreSQL stores it: its texts have no NUL."""
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}") if isinstance(value, str) else value
