"""Sums and sizes of files and folders; folders as one file, for stores."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..settings import MIB

PACKED = ".tar"
SHORT = 12
"""Digits of a sha256 that people are shown."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes; of a folder, that of what `sha256sum` says of its files.

    One line for each file, `SUM  NAME`, by relative names with slashes, sorted.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{sha256_of(path / name)}  {name}\n" for name in _names(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def size_of(path: Path) -> int:
    """Return the bytes of a file, or of all files in a folder: its own size is not theirs."""
    if not path.is_dir():
        return path.stat().st_size
    return sum((path / name).stat().st_size for name in _names(path))


def size_text(size: int) -> str:
    """Return a size for people: bytes below a MiB."""
    return f"{size} bytes" if size < MIB else f"{size / MIB:.1f} MiB"


@contextmanager
def packed(path: Path) -> Iterator[Path]:
    """Give the file itself, or for a folder a tar file of it while the block runs."""
    if not path.is_dir():
        yield path
        return
    import tarfile

    with TemporaryDirectory() as folder:
        archive = Path(folder) / f"{path.name}{PACKED}"
        with tarfile.open(archive, "w") as tar:
            for name in _names(path):
                tar.add(path / name, name)
        yield archive


def unpack(archive: Path, folder: Path) -> None:
    """Unpack what `packed` made; nothing is written outside of `folder`."""
    import tarfile

    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")


def _names(folder: Path) -> list[str]:
    files = (one for one in folder.rglob("*") if one.is_file())
    return sorted(one.relative_to(folder).as_posix() for one in files)
