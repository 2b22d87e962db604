"""What the system tells of processes: their memory and their children, where it has /proc."""

from __future__ import annotations

import os
import sys
from pathlib import Path

PROC = Path("/proc")
_KIB = 1024


def resident(pid: int | None = None) -> int:
    """Return how many bytes of memory a process has, this one if none is named, shared ones too.

    Where there is no /proc, as on macOS: how many this one has had at most. OSError for another.
    """
    try:
        pages = (PROC / str(pid or "self") / "statm").read_bytes().split()[1]
    except OSError:
        if pid:
            raise
        import resource  # not on every system

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * _KIB
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def has_pss() -> bool:
    """Tell whether `pss` can be asked here."""
    return (PROC / "self" / "smaps_rollup").exists()


def pss(pid: int) -> int:
    """Return a process's proportional set size in bytes: a page that n share counts an nth."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * _KIB
    raise ValueError(f"process {pid} has no Pss")


def process_tree(pid: int) -> list[int]:
    """List a process and all that it and its children have started: a model may run in Java."""
    parents = {int(one.name): _parent(one) for one in PROC.iterdir() if one.name.isdecimal()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def _parent(process: Path) -> int:
    try:
        # A program's name stands in brackets, and may have any character in it.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0
