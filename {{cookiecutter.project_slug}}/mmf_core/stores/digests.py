"""Checksums and sizes of files and folders; folders as a single tar file."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from ..settings import MIB

TAR_SUFFIX = ".tar"
SHORT = 12
"""Digits of a sha256 that are displayed."""


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes; of a folder, that of its `sha256sum` listing.

    The listing has a line for each file, `CHECKSUM  NAME`, sorted by relative name with slashes.
    """
    if not path.is_dir():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    lines = [f"{sha256_of(path / name)}  {name}\n" for name in _names(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def is_sha256(text: str) -> bool:
    """Return whether a text looks as `sha256_of` returns it."""
    return bool(re.fullmatch("[0-9a-f]{64}", text))


def size_of(path: Path) -> int:
    """Return the size of a file, or of all files in a folder, in bytes."""
    if not path.is_dir():
        return path.stat().st_size
    return sum((path / name).stat().st_size for name in _names(path))


def size_text(size: int) -> str:
    """Return a size for people: in MiB from 1 MiB on."""
    return f"{size} bytes" if size < MIB else f"{size / MIB:.1f} MiB"


@contextmanager
def single_file(path: Path) -> Iterator[Path]:
    """Yield the file itself, or for a folder a temporary tar file of it."""
    if not path.is_dir():
        yield path
        return
    import tarfile

    with TemporaryDirectory() as folder:
        archive = Path(folder) / f"{path.name}{TAR_SUFFIX}"
        with tarfile.open(archive, "w") as tar:
            for name in _names(path):
                tar.add(path / name, name)
        yield archive


def extract_tar(archive: Path, folder: Path) -> None:
    """Extract the tar file of a folder; nothing is written outside of `folder`.

    ValueError if it is not an uncompressed tar file, or would take more room than itself.
    """
    import tarfile

    try:
        with tarfile.open(archive, "r:") as tar:
            if any(member.issparse() for member in tar):
                raise ValueError("it has sparse files, which may be of any size")
            tar.extractall(folder, filter="data")
    except tarfile.TarError as error:
        raise ValueError(str(error)) from error


def _names(folder: Path) -> list[str]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return sorted(file.relative_to(folder).as_posix() for file in files)
