"""The files that are read: one, several by a pattern, those of a folder, an object of a store."""

from __future__ import annotations

import glob
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..codecs import Format, Kind, find, readable
from ..stores import Version, is_uri, store_for
from ..stores.digests import sha256_of
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
        """Its size in bytes; 0 if that is unknown."""
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
        """Return which share of the file has been read; 0 if its size is unknown."""
        return file.tell() / self.size if self.path and self.size else 0.0

    def identity(self) -> dict[str, Any]:
        """Return what distinguishes this state of the file, and how it is read, from another."""
        read = {"name": self.name, "format": self.format.name, "compression": self.compression}
        if self.path is None:
            return read
        status = self.path.stat()
        return {**read, "size": status.st_size, "modified": status.st_mtime_ns}

    def sha256(self) -> str | None:
        """Return the checksum of the file; None for standard input."""
        return sha256_of(self.path) if self.path else None


def find_sources(names: Iterable[str], default: str | None) -> list[Source]:
    """Return the files in order; `default` is the format of those whose names do not show it.

    BatchError for a name that leads to no file, or to a file of unknown format.
    """
    sources = [source for name in names for source in _sources(name, default)]
    for source in sources:
        compression.check_available(source.compression)
        if not source.place and source.format not in readable(Kind.TABLE):
            find(Kind.TABLE, source.format)  # raises MissingPackage
            raise BatchError(f"{source.name}: {source.format.name} is not a format of tables here")
    _check_distinct(sources)
    return sources


def _check_distinct(sources: Iterable[Source]) -> None:
    """Raise BatchError if an input is given twice: bad rows and checksums are by input."""
    names: dict[str | Path, str] = {}
    for source in sources:
        key = source.path.resolve() if source.path else source.name
        if key in names:
            other = f", also as {names[key]}" if names[key] != source.name else ""
            raise BatchError(f"{source.name}: is an input twice{other}; expected each input once")
        names[key] = source.name


def format_of(name: str, default: str | None) -> tuple[Format, str]:
    """Return the format that a file's name shows, and the suffix of its compression.

    `.csv.gz` is CSV with gz. `default` is for names that do not show it: BatchError without.
    """
    stem, _, suffix = name.rpartition(".")
    compression_suffix = suffix.lower() if suffix.lower() in compression.SUFFIXES else ""
    _, _, suffix = (stem if compression_suffix else name).rpartition(".")
    format = Format.of_extension(suffix) if suffix != name else None
    if format is None or find(Kind.TABLE, format) is None:
        format = Format.of_extension(default) if default else None
    if format is None:
        formats = ", ".join(format.extension for format in readable(Kind.TABLE))
        reason = f"-t {default}" if default else "its name does not show its format"
        raise BatchError(f"{name}: {reason}; expected -t with one of {formats}")
    return format, compression_suffix


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
    paths = [Path(file) for file in sorted(glob.glob(name, recursive=True))]  # noqa: PTH207
    if files := [path for path in paths if path.is_file()]:
        return files
    if paths:
        raise BatchError(f"{name}: matches only folders; expected files, as {name}/* would match")
    raise BatchError(f"{name}: not found")
