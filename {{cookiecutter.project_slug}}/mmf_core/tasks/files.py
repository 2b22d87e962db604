"""Contents of tasks: small ones are in the queue, others in a folder or a bucket.

Every file is listed in the queue's table `files` before it is written, so that leftovers of a
crash, or of a store's outage, are deleted later; nothing else there is ever touched.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from http.client import HTTPException
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol
from uuid import uuid4

from ..errors import StoreError
from ..settings import MIB
from ..stores import store_for
from .database import Database, unavailable
from .errors import ResultGone, TasksUnavailable

_MIN_AGE = 3600.0  # seconds after which a file without a task is a crashed process's
_log = logging.getLogger("mmf.tasks")


class FileStorage(Protocol):
    """Files by our own names. OSError or StoreError if it cannot be used at the moment.

    `setting` is the variable that names it. If it `is_remote`, deleting takes a request.
    """

    setting: str
    is_remote: bool

    def write(self, name: str, content: bytes) -> None:
        """Write a new file so that it survives a crash; a failure leaves nothing behind."""

    def read(self, name: str) -> bytes:
        """Return a file's content; FileNotFoundError if it does not exist."""

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""


class Folder:
    """A folder, which several machines may share."""

    is_remote = False

    def __init__(self, path: Path, setting: str) -> None:
        self.path = path
        self.setting = setting

    def write(self, name: str, content: bytes) -> None:
        """Write a file to the disk."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.path / name
        try:
            with path.open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())  # the queue must not refer to a missing file
        except OSError:
            self.delete(name)
            raise

    def read(self, name: str) -> bytes:
        """Return a file's content."""
        return (self.path / name).read_bytes()

    def delete(self, name: str) -> None:
        """Delete a file."""
        (self.path / name).unlink(missing_ok=True)


class Bucket:
    """The objects in a store whose URIs begin with a prefix."""

    is_remote = True
    setting = "MMF_TASK_FILES"

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._store = store_for(prefix)

    def write(self, name: str, content: bytes) -> None:
        """Upload an object, atomically."""
        with NamedTemporaryFile() as file:
            file.write(content)
            file.flush()
            self._store.upload(Path(file.name), self._uri(name), {})

    def read(self, name: str) -> bytes:
        """Return an object's content."""
        try:
            opened = self._store.open(self._uri(name))
        except StoreError as error:
            if "NoSuchKey" in str(error):
                raise FileNotFoundError(name) from error
            raise
        with closing(opened.file):
            content = opened.file.read()
        if len(content) != opened.version.size:
            raise StoreError(f"{name} ends after {len(content)} of {opened.version.size} bytes")
        return content

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._store.delete(self._uri(name))

    def _uri(self, name: str) -> str:
        return f"{self._prefix}/{name}"


class Files:
    """The files of a queue's contents of more than a MiB."""

    def __init__(self, database: Database, storage: FileStorage) -> None:
        self._database = database
        self._storage = storage

    def put(self, content: bytes) -> tuple[bytes | None, str | None]:
        """Store a content; return it if it belongs into the queue, or the name of its file.

        TasksUnavailable if the storage is full; then nothing is stored.
        """
        if len(content) <= MIB:
            return content, None
        name = uuid4().hex
        self._database.rows(
            "INSERT INTO files (name, delete_at) VALUES (?, ?) ON CONFLICT (name) DO NOTHING",
            *(name, time.time() + _MIN_AGE),
        )
        with self._unavailable():
            self._storage.write(name, content)
        return None, name

    def get(self, content: bytes | None, name: str | None) -> bytes:
        """Return a content; ResultGone if its file was deleted."""
        if name is None:
            return content or b""
        try:
            with self._unavailable():
                return self._storage.read(name)
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise ResultGone("the file with the content of this task was deleted") from None
            raise

    def remove(self, name: str | None) -> None:
        """Delete a file without a task: now, or by `sweep` if that takes a request."""
        if name is None:
            return
        with suppress(OSError, TasksUnavailable):  # `sweep` will do it
            if self._storage.is_remote:
                self._database.rows("UPDATE files SET delete_at = 0 WHERE name = ?", name)
            else:
                self._delete(name)

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
