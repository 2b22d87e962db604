"""Where the files of tasks are: a folder, or a bucket."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, Protocol

from ..errors import StoreError
from ..settings import MIB
from ..stores import store_for


class Content(Protocol):
    """What is read a piece at a time."""

    def read(self, size: int, /) -> bytes:
        """Return the next bytes; none at the end."""


def copy(content: Content, file: IO[bytes]) -> None:
    """Write a content to a file."""
    while piece := content.read(MIB):
        file.write(piece)


Check = Callable[[Path], None]


def unchecked(_path: Path) -> None:
    """Accept any content."""


class FileStorage(Protocol):
    """Files by our own names. OSError or StoreError if it cannot be used at the moment.

    `setting` is the variable that names it. If it `is_remote`, deleting takes a request.
    """

    setting: str
    is_remote: bool

    def write(self, name: str, content: Content, check: Check) -> None:
        """Write a new file so that it survives a crash; a failure leaves nothing behind.

        `check` gets a path with the content before the file is complete.
        """

    def open(self, name: str) -> IO[bytes]:
        """Open a file; FileNotFoundError if it does not exist."""

    def local(self, name: str) -> AbstractContextManager[Path]:
        """Yield the path of a file, or of a copy; FileNotFoundError as above."""

    def temporary(self) -> IO[bytes]:
        """Return a new file without a name, for a content that is being made."""

    def delete(self, name: str) -> None:
        """Delete a file, if it exists."""


class Folder:
    """A folder, which several machines may share."""

    is_remote = False

    def __init__(self, path: Path, setting: str) -> None:
        self.path = path
        self.setting = setting

    def write(self, name: str, content: Content, check: Check = unchecked) -> None:
        """Write a file to the disk."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.path / name
        try:
            with path.open("xb") as file:
                copy(content, file)
                file.flush()
                check(path)
                os.fsync(file.fileno())  # the queue must not refer to a missing file
        except BaseException:
            self.delete(name)
            raise

    def open(self, name: str) -> IO[bytes]:
        """Open a file."""
        return (self.path / name).open("rb")

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Yield the path of a file."""
        with self.open(name):  # else it is missing
            yield self.path / name

    def temporary(self) -> IO[bytes]:
        """Return a file on the same disk."""
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        return TemporaryFile(dir=self.path)

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

    def write(self, name: str, content: Content, check: Check = unchecked) -> None:
        """Upload an object, atomically."""
        with NamedTemporaryFile() as file:
            copy(content, file)
            file.flush()
            check(Path(file.name))
            self._store.upload(Path(file.name), self._uri(name), {})

    def open(self, name: str) -> IO[bytes]:
        """Open a copy of an object."""
        with ExitStack() as stack:
            file = stack.enter_context(TemporaryFile())
            self._download(name, file)
            stack.pop_all()  # it stays open
        return file

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """Yield the path of a copy of an object."""
        with NamedTemporaryFile() as file:
            self._download(name, file)
            yield Path(file.name)

    def temporary(self) -> IO[bytes]:
        """Return a file on this machine's disk."""
        return TemporaryFile()

    def _download(self, name: str, file: IO[bytes]) -> None:
        """Copy a whole object into a file."""
        try:
            opened = self._store.open(self._uri(name))
        except StoreError as error:
            if "NoSuchKey" in str(error):
                raise FileNotFoundError(name) from error
            raise
        with closing(opened.file):
            copy(opened.file, file)
        if (size := file.tell()) != opened.version.size:
            raise StoreError(f"{name} ends after {size} of {opened.version.size} bytes")
        file.flush()
        file.seek(0)

    def delete(self, name: str) -> None:
        """Delete an object."""
        self._store.delete(self._uri(name))

    def _uri(self, name: str) -> str:
        return f"{self._prefix}/{name}"
