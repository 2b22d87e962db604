"""Where the output goes: a file that appears when it is complete, standard output, or a store."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from ..codecs import Format
from ..errors import StoreError
from ..stores import is_uri, store_for
from .database import Place
from .errors import BatchError
from .sources import STANDARD, Source, format_of

_ABSENT = {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}
"""The status of a missing object; FORBIDDEN if the keys may not list objects."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A name, and what it stands for: the format and the compression, or a table of a database."""

    name: str
    format: Format
    compression: str = ""
    place: Place | None = None

    @classmethod
    def of(cls, name: str, default: str | None) -> Destination:
        """Return the destination of a name; BatchError if the name does not show its format."""
        if place := Place.of(name):
            return cls(place.shown, Format.ARROW, place=place)
        file = name.rstrip("/").rpartition("/")[2] if is_uri(name) else Path(name).name
        return cls(name, *format_of(file, default))

    @property
    def is_standard(self) -> bool:
        """Whether it is standard output."""
        return self.name == STANDARD

    def check(self, sources: Iterable[Source], *, overwrite: bool) -> None:
        """Raise BatchError if it is an input, exists already, or has no folder."""
        if self.is_standard:
            return
        if self.place and self.place.query:
            raise BatchError(f"{self.name}: expected a table, not a query")
        if not (self.place or is_uri(self.name)):
            self._check_file(sources)
        if not overwrite and self._exists():
            raise BatchError(f"{self.name} exists; write --overwrite to replace it")

    def folder(self, temporary: str) -> Path:
        """Return the folder of the parts, beside the output where that is a file."""
        if self.is_standard:
            return Path(temporary, "parts")
        if self.place:
            return Path(f".{self.place.table}.parts")
        path = Path(self.name.rpartition("/")[2]) if is_uri(self.name) else Path(self.name)
        return path.with_name(f".{path.name}.parts")

    def put(self, path: Path, *, overwrite: bool) -> None:
        """Move a complete file here."""
        if self.place:
            parts = path.read_text(encoding="utf-8").splitlines()
            self.place.insert(map(Path, parts), overwrite=overwrite)
        elif self.is_standard:
            with path.open("rb") as file:
                shutil.copyfileobj(file, sys.stdout.buffer)
            sys.stdout.buffer.flush()
        elif is_uri(self.name):
            store_for(self.name).upload(path, self.name, {})
        else:
            _sync(path)
            path.replace(self.name)
            _sync(Path(self.name).parent)

    def _check_file(self, sources: Iterable[Source]) -> None:
        path = Path(self.name)
        if path.is_dir():
            raise BatchError(f"{self.name} is a folder; expected the name of a file")
        if not path.parent.is_dir():
            raise BatchError(f"{self.name}: the folder {path.parent} does not exist; create it")
        paths = [source.path for source in sources if source.path]
        if path.exists() and any(source.samefile(path) for source in paths):
            raise BatchError(f"{self.name} is an input, too; write another file")

    def _exists(self) -> bool:
        if self.place:
            return self.place.exists()
        if not is_uri(self.name):
            return Path(self.name).exists()
        try:
            store_for(self.name).stat(self.name)
        except StoreError as error:
            if getattr(error, "code", None) in _ABSENT or self.name.startswith("file:"):
                return False
            raise
        return True


def _sync(path: Path) -> None:
    """Wait until a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
