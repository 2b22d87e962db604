"""What a setting holds itself, or a file that it names, which is read again once it has changed."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from ..fingerprints import fingerprint

INTERVAL = 1.0
"""Seconds between two checks of a file."""
_MAX_FILE = 4 * 1024 * 1024  # bytes
T = TypeVar("T")
_log = logging.getLogger("mmf.audit")


class Source(Generic[T]):
    """A value that a text holds, or a file. A file that can no longer be read changes nothing."""

    def __init__(
        self, name: str, read: Callable[[str], T], text: str = "", file: Path | None = None
    ) -> None:
        self._name, self._read, self._file = name, read, file
        self._fingerprint = fingerprint(file) if file else ()
        self._due = time.monotonic() + INTERVAL
        self._value = read(_content(file) if file else text)

    def value(self) -> T:
        """Return the value; that of a file as it was a second ago, at most."""
        if self._file is not None and time.monotonic() >= self._due:
            self._due = time.monotonic() + INTERVAL
            self._reread(self._file)
        return self._value

    def _reread(self, file: Path) -> None:
        now = fingerprint(file)
        if now == self._fingerprint:
            return
        self._fingerprint = now
        try:
            self._value = self._read(_content(file))
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            _log.error(
                "%s: the file cannot be read, keeping its last content: %s", self._name, reason
            )
            return
        _log.info("%s: the file was read again", self._name)


def source_of(
    name: str, text: str, read: Callable[[str], T], *, must_be_file: bool = False
) -> Source[T]:
    """Return the source that the setting `name` names or holds; ValueError if it is neither."""
    if not (must_be_file or os.path.isfile(text)):  # noqa: PTH113 - Path's fails for a long text
        return Source(name, read, text)
    try:
        return Source(name, read, file=Path(text))
    except OSError as error:
        raise ValueError(f"expected a file, got: {error.strerror}") from error


def _content(file: Path) -> str:
    if file.stat().st_size > _MAX_FILE:
        raise ValueError(f"expected at most {_MAX_FILE} bytes")
    return file.read_text("utf-8")
