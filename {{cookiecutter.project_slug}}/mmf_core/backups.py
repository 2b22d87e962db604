"""Files that a command replaces, kept beside the new ones: `model.old-1.joblib`."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from .stores.digests import sha256_of

_BACKUP = re.compile(r"\.old-\d+(\.|$)")


def is_backup(path: Path) -> bool:
    """Return whether a file or folder has the name of such a copy."""
    return bool(_BACKUP.search(path.name))


def back_up(path: Path) -> Path:
    """Copy a file or folder to a new name beside it, with its dates; return that name."""
    names = (path.with_name(f"{path.stem}.old-{number}{path.suffix}") for number in count(1))
    backup = next(name for name in names if not name.exists())
    if path.is_dir():
        shutil.copytree(path, backup, symlinks=True)
    else:
        shutil.copy2(path, backup)
    return backup


def set_aside(path: Path) -> Path:
    """Rename a file to a new name beside it that nothing reads as code: `train.py.old-1`."""
    names = (path.with_name(f"{path.name}.old-{number}") for number in count(1))
    return path.rename(next(name for name in names if not name.exists()))


@contextmanager
def kept(paths: Iterable[Path]) -> Iterator[dict[Path, Path]]:
    """Back up files and folders; afterwards remove the backups of those that have not changed.

    Yield a dict that then has the others' backups by path. They are copies, and made before: what
    is in the block may write into the very files, load them, or fail half-way.
    """
    backups = {path: back_up(path) for path in paths if path.exists()}
    try:
        yield backups
    finally:
        for path, backup in list(backups.items()):
            if path.exists() and sha256_of(path) == sha256_of(backup):
                shutil.rmtree(backup) if backup.is_dir() else backup.unlink()
                del backups[path]
