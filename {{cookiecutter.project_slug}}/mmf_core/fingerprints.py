"""Fingerprints: whether a file, or what is in a folder, is still the same."""

from __future__ import annotations

from pathlib import Path

Fingerprint = tuple[tuple[str, int, int, int], ...]


def fingerprint(path: Path) -> Fingerprint:
    """Return names, times, sizes and inodes of a file, or of all in a folder; () if it is absent.

    A file that is written to changes its time, one that is renamed into its place its inode.
    """
    try:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        stats = [(str(file), file.stat()) for file in files]
    except OSError:  # absent, or gone meanwhile
        return ()
    return tuple((name, one.st_mtime_ns, one.st_size, one.st_ino) for name, one in stats)
