"""Processes: whether they are gunicorn's, their memory, children and open files, from /proc."""

from __future__ import annotations

import ctypes
import gc
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path

PROC = Path("/proc")
_KIB = 1024
KEPT = 32 * 1024 * _KIB
"""Bytes: a process that has not grown by more keeps what it has freed: it needs that again."""
CLOSED_BY_A_FUNCTION = "a function has closed file descriptors that are not its own"


class DescriptorsClosed(OSError):
    """Code that does not own them has closed descriptors of this process."""


class OwnDescriptors:
    """The descriptors of a library's open files, whose numbers a function may close.

    The next file that is opened has such a number again: the library would write to that one, and
    close it.
    """

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        self._files = {number: _file_of(number) for number in numbers}

    def check(self) -> None:
        """Raise DescriptorsClosed unless each number is still that of the same file."""
        for number, file in self._files.items():
            if _file_of(number) != file:
                raise DescriptorsClosed(CLOSED_BY_A_FUNCTION)


def open_descriptors(paths: Iterable[Path]) -> set[int]:
    """Return the numbers by which this process has files open; none without /proc."""
    files = set()
    for path in paths:
        with suppress(OSError):
            status = path.stat()
            files.add((status.st_dev, status.st_ino))
    try:
        numbers = [int(entry.name) for entry in (PROC / "self" / "fd").iterdir()]
    except OSError:
        return set()
    return {number for number in numbers if _file_of(number) in files}


def _file_of(number: int) -> tuple[int, int] | None:
    """Return the device and the inode of an open file; None if the number is not in use."""
    try:
        status = os.fstat(number)
    except OSError:
        return None
    return status.st_dev, status.st_ino


def is_in_gunicorn() -> bool:
    """Return whether this is gunicorn's master, which sets this variable, or a worker."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/")


def resident(pid: int | None = None) -> int:
    """Return the resident memory of a process in bytes, including shared pages; default: this one.

    Without /proc, as on macOS, it is this process's peak, and OSError for any other process.
    """
    try:
        pages = (PROC / str(pid or "self") / "statm").read_bytes().split()[1]
    except OSError:
        if pid:
            raise
        import resource  # not available on every system

        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak if sys.platform == "darwin" else peak * _KIB
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def anonymous() -> int:
    """Return the memory of this process in bytes that no file is mapped to.

    Of what it shares with the process that it was forked from it counts all from the beginning, so
    that it grows by what is new. Without /proc it is `resident`.
    """
    try:
        status = (PROC / "self" / "status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return resident()
    for line in status.splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) * _KIB
    return resident()


def has_pss() -> bool:
    """Return whether `pss` is available."""
    return (PROC / "self" / "smaps_rollup").exists()


def pss(pid: int) -> int:
    """Return a process's proportional set size in bytes: a page shared by n counts as 1/n."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    raise ValueError(f"process {pid} has no Pss")


def process_tree(pid: int) -> list[int]:
    """List a process and all its descendants: a model may run in Java."""
    folders = [folder for folder in PROC.iterdir() if folder.name.isdecimal()]
    parents = {int(folder.name): _parent(folder) for folder in folders}
    tree = [pid]
    for member in tree:  # grows while it is read
        tree += [child for child, parent in parents.items() if parent == member]
    return tree


def _parent(process: Path) -> int:
    try:
        # The program's name is in brackets and may contain any character.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0


@cache
def _malloc_trim() -> Callable[[int], int] | None:
    """Return glibc's function; looking it up makes objects that stay."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None)


def release() -> None:
    """Return freed memory to the system, as far as the C library can.

    What only a cycle still holds is freed first, such as the tables in an error's traceback: by
    itself Python would look after many more requests. What was loaded before the fork is exempt.
    """
    gc.collect()
    if trim := _malloc_trim():
        trim(0)
