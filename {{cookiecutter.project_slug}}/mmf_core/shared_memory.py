"""What a process shares with its forks, and files in memory."""

from __future__ import annotations

import json
import mmap
import os
import tempfile

SIZE = 4096
MAX_LENGTH = 500
"""Characters of each text, which takes at most six bytes for each in JSON."""

_FOLDER = "/dev/shm"  # noqa: S108 - for files that only this user can open
_MIN_FILES = 64


def memory_folder(room: int = 0) -> str | None:
    """Return the system's folder for files in memory, unless it lacks `room` bytes, or files."""
    if not os.access(_FOLDER, os.W_OK | os.X_OK):
        return None
    free = os.statvfs(_FOLDER)
    has_files = not free.f_files or free.f_favail >= _MIN_FILES  # 0: it does not count them
    return _FOLDER if has_files and free.f_bavail * free.f_frsize >= room else None


def shared_file() -> int:
    """Return an unnamed file, created before the fork; in memory if the system supports that."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("mmf-watch")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


class SharedText:
    """A few short texts by name; private to the process until `share` is called."""

    def __init__(self) -> None:
        self._memory: bytearray | mmap.mmap = bytearray(SIZE)

    def share(self) -> None:
        """Move the texts to memory that is shared with all later forks; call it before the fork."""
        memory = mmap.mmap(-1, SIZE)
        memory[:] = bytes(self._memory)
        self._memory = memory

    def write(self, **texts: str) -> None:
        """Replace all texts."""
        content = json.dumps({name: text[:MAX_LENGTH] for name, text in texts.items()}).encode()
        self._memory[0] = 0  # a reader ignores the text until all of it is written
        self._memory[1:] = content[1:].ljust(SIZE - 1, b"\0")
        self._memory[0] = content[0]

    def read(self) -> dict[str, str]:
        """Return the texts; empty before the first `write`."""
        content = bytes(self._memory[:]).rstrip(b"\0")
        texts: dict[str, str] = json.loads(content) if content[:1] == b"{" else {}
        return texts
