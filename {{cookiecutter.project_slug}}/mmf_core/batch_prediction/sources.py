"""The files that are read: one, several by a pattern, those of a folder, an object of a store."""

from __future__ import annotations

import glob
import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..codecs import Format, Kind, find, readable
from ..stores import Version, is_uri, store_for
from . import compression
from .database import Place
from .errors import BatchError

STANDARD = "-"
"""The name of standard input and output."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file; `compression` is a suffix or empty.

    `path` is None for standard input, and for a database, where `place` says what is read.
    """

    name: str
    path: Path | None
    format: Format
    compression: str = ""
    place: Place | None = None

    @property
    def size(self) -> int:
        """Its size in bytes; 0 if it is not known."""
        return self.path.stat().st_size if self.path else 0

    @contextmanager
    def open(self) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
        """Open the file: the bytes to read, and the file that knows how far it has been read."""
        with compression.damage_reported(self.name, self.compression):
            if self.path is None:
                yield compression.decompressed(sys.stdin.buffer, self.compression), sys.stdin.buffer
                return
            with self.path.open("rb") as file:
                yield compression.decompressed(file, self.compression), file

    def position(self, file: IO[bytes]) -> float:
        """Return which share of the file has been read; 0 if its size is not known."""
        return file.tell() / self.size if self.path and self.size else 0.0

    def identity(self) -> dict[str, Any]:
        """Return what tells this state of the file from another."""
        if self.path is None:
            return {"name": self.name}
        status = self.path.stat()
        return {"name": self.name, "size": status.st_size, "modified": status.st_mtime_ns}

    def sha256(self) -> str | None:
        """Return the checksum of the file; None for standard input."""
        return sha256_of(self.path) if self.path else None


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def find_sources(names: Iterable[str], default: str | None) -> list[Source]:
    """Return the files in order; `default` is the format of those whose names do not say it.

    BatchError for a name that leads to no file, or to a file of unknown format.
    """
    sources = [source for name in names for source in _sources(name, default)]
    for source in sources:
        compression.check_available(source.compression)
        if not source.place and source.format not in readable(Kind.TABLE):
            find(Kind.TABLE, source.format)  # raises MissingPackage
            raise BatchError(f"{source.name}: {source.format.name} is not a format of tables here")
    return sources


def format_of(name: str, default: str | None) -> tuple[Format, str]:
    """Return the format that a file's name says, and the suffix of its compression.

    `.csv.gz` is CSV with gz. `default` is for names that do not say it: BatchError without.
    """
    stem, _, suffix = name.rpartition(".")
    packed = suffix.lower() if suffix.lower() in compression.SUFFIXES else ""
    _, _, suffix = (stem if packed else name).rpartition(".")
    known = Format.of_extension(suffix) if suffix != name else None
    if known is None or find(Kind.TABLE, known) is None:
        known = Format.of_extension(default) if default else None
    if known is None:
        formats = ", ".join(format.extension for format in readable(Kind.TABLE))
        given = f"-t {default}" if default else "its name does not say its format"
        raise BatchError(f"{name}: {given}; expected -t with one of {formats}")
    return known, packed


def _sources(name: str, default: str | None) -> Iterator[Source]:
    if name == STANDARD:
        yield Source("standard input", None, *format_of(STANDARD, default))
    elif place := Place.of(name):
        yield Source(place.shown, None, Format.ARROW, place=place)
    elif is_uri(name):
        file = name.rstrip("/").rpartition("/")[2].partition("?")[0]
        path = store_for(name).fetch(name, Version(), file)
        yield Source(name, path, *format_of(file, default))
    else:
        for path in _paths(name):
            yield Source(str(path), path, *format_of(path.name, default))


def _paths(name: str) -> list[Path]:
    """Return the file of this name, the tables in this folder, or the files of this pattern."""
    path = Path(name)
    if path.is_dir():
        files = [file for file in sorted(path.iterdir()) if file.is_file()]
        files = [file for file in files if not file.name.startswith((".", "_"))]
        if not files:
            raise BatchError(f"{name}: the folder has no files")
        return files
    if path.exists():
        return [path]
    if files := [Path(file) for file in sorted(glob.glob(name, recursive=True))]:  # noqa: PTH207
        return [file for file in files if file.is_file()]
    raise BatchError(f"{name}: not found")
