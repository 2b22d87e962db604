"""Fingerprints: whether a file, or the content of a folder, has changed."""

from __future__ import annotations

from pathlib import Path

Fingerprint = tuple[tuple[str, int, int, int], ...]


def fingerprint(path: Path) -> Fingerprint:
    """Return name, time, size and inode of a file, or of all files in a folder; () if absent.

    Writing to a file changes its time; renaming another one into its place changes the inode.
    """
    try:
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        stats = [(str(file), file.stat()) for file in files]
    except OSError:  # absent, or removed in the meantime
        return ()
    return tuple((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats)
