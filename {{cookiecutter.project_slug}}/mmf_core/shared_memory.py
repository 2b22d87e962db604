"""Notices: what a process lets those know that it has forked already."""

from __future__ import annotations

import json
import mmap

_SIZE = 4096
_LONGEST = 500  # characters of one text, of at most six bytes each


class SharedText:
    """A few short texts by their names, in memory that a process shares with its forks."""

    def __init__(self) -> None:
        self._memory = mmap.mmap(-1, _SIZE)

    def write(self, **texts: str) -> None:
        """Put other texts into the place of those that are there."""
        content = json.dumps({name: text[:_LONGEST] for name, text in texts.items()}).encode()
        self._memory[0] = 0  # there is nothing to read until all of it is there
        self._memory[1:] = content[1:].ljust(_SIZE - 1, b"\0")
        self._memory[0] = content[0]

    def read(self) -> dict[str, str]:
        """Return the texts; nothing where none are written."""
        content = self._memory[:].rstrip(b"\0")
        texts: dict[str, str] = json.loads(content) if content[:1] == b"{" else {}
        return texts
