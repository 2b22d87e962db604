"""Contents of tasks: small ones are in the queue, others in a folder or a bucket.

Every file is listed in the queue's table `files` before it is written, so that leftovers of a
crash, or of a store's outage, are deleted later; nothing else there is ever touched.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPException
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple, TypeAlias
from uuid import uuid4

from ..errors import StoreError
from ..settings import MIB
from .database import Database, unavailable
from .errors import ResultGone, TasksUnavailable
from .file_storage import Check, Content, FileStorage, unchecked

_MIN_AGE = 3600.0  # seconds after which a file without a task is a crashed process's
_MAX_WAIT = 1800.0  # seconds in which a file must have arrived
Reserve: TypeAlias = Callable[[str, float], None]
"""Lists a file by its name, and the time when it is a leftover; QueueFull if it has no place."""
_log = logging.getLogger("mmf.tasks")


def size_of(content: bytes | IO[bytes]) -> int:
    """Return the size of a content in bytes."""
    if isinstance(content, bytes):
        return len(content)
    place, size = content.tell(), content.seek(0, os.SEEK_END)
    content.seek(place)
    return size


class StoredFile(NamedTuple):
    """A file that no task uses yet, and its size in bytes."""

    name: str
    size: int


class _Arriving:
    """A content that arrives in time: else `sweep` might take its file for a leftover."""

    def __init__(self, content: Content) -> None:
        self._content = content
        self._began = time.monotonic()

    def read(self, size: int) -> bytes:
        """Return the next bytes; TasksUnavailable if it is too late."""
        self.check()
        return self._content.read(size)

    def check(self) -> None:
        """Raise TasksUnavailable if it is too late."""
        if time.monotonic() - self._began > _MAX_WAIT:
            raise TasksUnavailable(f"the file took more than {_MAX_WAIT:.0f} seconds to arrive")


class Files:
    """The files of a queue's contents of more than a MiB."""

    def __init__(self, database: Database, storage: FileStorage) -> None:
        self._database = database
        self._storage = storage

    def put(self, content: bytes | IO[bytes]) -> tuple[bytes | None, str | None]:
        """Store a content; return it if it belongs into the queue, or the name of its file.

        TasksUnavailable if the storage is full; then nothing is stored.
        """
        if size_of(content) > MIB:
            file = BytesIO(content) if isinstance(content, bytes) else content
            file.seek(0)
            return None, self.receive(file)
        if isinstance(content, bytes):
            return content, None
        content.seek(0)
        return content.read(), None

    def stored(self, content: bytes | StoredFile) -> tuple[bytes | None, str | None, int]:
        """Return what `put` does, and the size of a content that may be a file already."""
        if isinstance(content, StoredFile):
            return None, *content
        return *self.put(content), len(content)

    def receive(
        self, content: Content, check: Check = unchecked, reserve: Reserve | None = None
    ) -> str:
        """Write a file; return its name. `reserve` lists it first, if the queue has room for it.

        Errors are those of `reserve`, of reading the content, of `check`, and TasksUnavailable as
        for `put`.
        """
        name, arriving = uuid4().hex, _Arriving(content)
        try:
            (reserve or self._keep)(name, time.time() + _MIN_AGE)
            with self._unavailable():
                self._storage.write(name, arriving, check)
            arriving.check()
            self._keep(name, time.time() + _MIN_AGE)
        except BaseException:
            self.remove(name)
            raise
        return name

    def open(self, content: bytes | None, name: str | None) -> IO[bytes]:
        """Open a content; ResultGone if its file was deleted."""
        if name is None:
            return BytesIO(content or b"")
        with self._gone(), self._unavailable():
            return self._storage.open(name)

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Give the path of a file, or of a copy, in the block; ResultGone if it was deleted."""
        with ExitStack() as stack:
            with self._gone(), self._unavailable():
                path = stack.enter_context(self._storage.local(name))
            yield path

    def temporary(self) -> IO[bytes]:
        """Return a new file without a name, for `append`; TasksUnavailable as for `put`."""
        with self._unavailable():
            return self._storage.temporary()

    def append(self, file: IO[bytes], content: bytes) -> None:
        """Write to a temporary file; TasksUnavailable if the disk is full."""
        with self._unavailable():
            file.write(content)
            file.flush()

    @contextmanager
    def _gone(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise ResultGone("the file with the content of this task was deleted") from None
            raise

    def _keep(self, name: str, delete_at: float) -> None:
        """Keep a file until then although no task uses it yet."""
        self._database.rows(
            "INSERT INTO files (name, delete_at) VALUES (?, ?) "
            "ON CONFLICT (name) DO UPDATE SET delete_at = excluded.delete_at",
            *(name, delete_at),
        )

    def remove(self, name: str | None) -> None:
        """Delete a file without a task: now, or by `sweep` if that takes a request, or fails."""
        if name is None:
            return
        with suppress(TasksUnavailable):  # `sweep` will do it when the file is old enough
            if not self._storage.is_remote:
                with suppress(OSError):
                    self._delete(name)
                    return
            sql = "UPDATE files SET delete_at = 0, reserved = 0 WHERE name = ?"
            self._database.rows(sql, name)

    @contextmanager
    def discarding(self, name: str | None) -> Iterator[None]:
        """Delete a file if the block fails, unless a stored task uses it."""
        try:
            yield
        except TasksUnavailable:
            with suppress(TasksUnavailable):  # `sweep` will do it
                sql = "SELECT 1 FROM tasks WHERE input_file = ? OR result_file = ? LIMIT 1"
                if name and not self._database.rows(sql, name, name):
                    self.remove(name)
            raise

    def sweep(self) -> None:
        """Delete the files that no task uses, except those that were just written."""
        unused = self._database.rows(
            "SELECT name FROM files WHERE delete_at <= ? "
            "EXCEPT SELECT input_file FROM tasks EXCEPT SELECT result_file FROM tasks",
            time.time(),
        )
        with self._unavailable():
            for (name,) in unused:
                self._delete(name)

    def _delete(self, name: str) -> None:
        self._storage.delete(name)
        self._database.rows("DELETE FROM files WHERE name = ?", name)

    @contextmanager
    def _unavailable(self) -> Iterator[None]:
        """Raise TasksUnavailable for errors of a storage that cannot be used at the moment."""
        try:
            with unavailable(self._storage.setting):
                yield
        except (StoreError, HTTPException) as error:
            _log.warning("%s: %s", self._storage.setting, error)
            raise TasksUnavailable(
                f"tasks cannot be stored (set {self._storage.setting}): the store does not respond"
            ) from error
