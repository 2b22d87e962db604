"""The log as Parquet files, in a folder or in a store: a file appears once it is complete.

A file is called `2026-11-30/095143-<host>-<process>-<number>.parquet`, in UTC. pandas, pyarrow and
DuckDB read a folder of them as one table.
"""

from __future__ import annotations

import os
import re
import socket
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from time import monotonic
from typing import Any, ClassVar

from ..packages import OptionalDependency
from ..stores import is_uri, store_for
from .record import COLUMNS, REAL, TEXT, TIME, WHOLE
from .settings import PayloadLogSettings
from .writer import NotWritten, Row

_NOT_IN_A_NAME = re.compile(r"[^A-Za-z0-9]+")


class ParquetLibrary(OptionalDependency):
    """pyarrow, which is imported before the fork."""

    requires: ClassVar = {"pyarrow.parquet": "pyarrow"}


class ParquetFiles:
    """Buffers records in memory until they fill a file, or the first of them is old."""

    def __init__(self, settings: PayloadLogSettings) -> None:
        library = ParquetLibrary()
        library.require("MMF_PAYLOAD_LOG")
        library.preload()
        self._settings = settings
        self._location = settings.location.rstrip("/") or "/"  # with a slash: a folder of MLflow
        self._store = store_for(self._location) if is_uri(self._location) else None
        self._host = _NOT_IN_A_NAME.sub("-", socket.gethostname())
        self._rows: list[Row] = []
        self._size = 0
        self._started = 0.0
        self._numbers = count()

    def add(self, row: Row) -> int:
        """Buffer a record; write a file when it is full."""
        if not self._rows:
            self._started = monotonic()
        self._rows.append(row)
        self._size += sum(len(cell) for cell in row.values() if isinstance(cell, str))
        is_due = self._size >= self._settings.file_size or not self.seconds_left()
        return self.flush() if is_due else 0

    def flush(self) -> int:
        """Write a file of the buffered records, if there are any."""
        rows, self._rows, self._size = self._rows, [], 0
        if not rows:
            return 0
        try:
            self._write(_table(rows), self._name())
        except Exception as error:
            raise NotWritten(error, len(rows)) from error
        return len(rows)

    def seconds_left(self) -> float | None:
        """Return in how many seconds the first buffered record must be written."""
        if not self._rows:
            return None
        return max(0.0, self._started + self._settings.seconds - monotonic())

    def _name(self) -> str:
        """Return an unused file name: a clock may be set back, and a process id be reused."""
        while True:
            time = f"{datetime.now(UTC):%Y-%m-%d/%H%M%S}"
            name = f"{time}-{self._host}-{os.getpid()}-{next(self._numbers)}.parquet"
            if self._store or not Path(self._location, name).exists():
                return name

    def _write(self, table: Any, name: str) -> None:
        import pyarrow.parquet as pq

        if self._store:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder, "log.parquet")
                pq.write_table(table, path, compression="zstd")
                self._store.upload(path, f"{self._location}/{name}", {})
            return
        target = Path(self._location, name)
        part = target.with_name(f".{target.name}.part")  # which readers of a folder skip
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            pq.write_table(table, part, compression="zstd")
            part.replace(target)
        except OSError:
            part.unlink(missing_ok=True)
            raise


def _table(rows: Sequence[Row]) -> Any:
    import pyarrow as pa

    types = {
        TIME: pa.timestamp("us", "UTC"),
        TEXT: pa.string(),
        WHOLE: pa.int64(),
        REAL: pa.float64(),
    }
    columns: dict[str, Any] = {column: [row[column] for row in rows] for column in COLUMNS}
    columns["time"] = [round(1e6 * seconds) for seconds in columns["time"]]
    schema = pa.schema([(column, types[kind]) for column, kind in COLUMNS.items()])
    return pa.table(columns, schema)
