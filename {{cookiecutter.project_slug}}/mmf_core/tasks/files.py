"""Contents of tasks: the small ones in the queue, the others in files beside it."""

from __future__ import annotations

import os
import time
from collections.abc import Container
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from ..settings import MIB
from .database import unavailable
from .errors import ResultGone

_MIN_AGE = 3600.0  # seconds after which a file that no task has is that of a crashed process


class Files:
    """The files in a folder, under names of our own, of contents of more than a number of bytes."""

    def __init__(self, folder: Path, largest_inline: float = MIB) -> None:
        self._folder = folder
        self._largest_inline = largest_inline

    def put(self, content: bytes) -> tuple[bytes | None, str | None]:
        """Store a content; return it as it goes into the queue, or the name of its file.

        TasksUnavailable if there is no room; nothing is left then.
        """
        if len(content) <= self._largest_inline:
            return content, None
        name = uuid4().hex
        path = self._folder / name
        with unavailable():
            try:
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                with path.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())  # the queue must not know of what is not there
            except OSError:
                self.remove(name)
                raise
        return None, name

    def get(self, content: bytes | None, name: str | None) -> bytes:
        """Return a content; ResultGone if its file was deleted."""
        if name is None:
            return content or b""
        try:
            with unavailable():
                return (self._folder / name).read_bytes()
        except Exception as error:
            if isinstance(error.__cause__, FileNotFoundError):
                raise ResultGone("the file with the content of this task was deleted") from None
            raise

    def remove(self, name: str | None) -> None:
        """Delete a file, if it is there."""
        if name is not None:
            with suppress(OSError):
                (self._folder / name).unlink()

    def sweep(self, names: Container[str]) -> None:
        """Delete the files that no task has, but for those that were just written."""
        if self._folder.is_dir():
            for path in self._folder.iterdir():
                with suppress(OSError):
                    if path.name not in names and time.time() - path.stat().st_mtime > _MIN_AGE:
                        path.unlink()
