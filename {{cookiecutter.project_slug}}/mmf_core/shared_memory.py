"""Text that a process shares with its forks, whichever of them writes it."""

from __future__ import annotations

import json
import mmap

SIZE = 4096
MAX_LENGTH = 500
"""Characters of each text, which takes at most six bytes for each in JSON."""


class SharedText:
    """A few short texts by name; private to the process until `share` is called."""

    def __init__(self) -> None:
        self._memory: bytearray | mmap.mmap = bytearray(SIZE)

    def share(self) -> None:
        """Move the texts to memory that is shared with all later forks; call it before the fork."""
        memory = mmap.mmap(-1, SIZE)
        memory[:] = bytes(self._memory)
        self._memory = memory

    def write(self, **texts: str) -> None:
        """Replace all texts."""
        content = json.dumps({name: text[:MAX_LENGTH] for name, text in texts.items()}).encode()
        self._memory[0] = 0  # a reader ignores the text until all of it is written
        self._memory[1:] = content[1:].ljust(SIZE - 1, b"\0")
        self._memory[0] = content[0]

    def read(self) -> dict[str, str]:
        """Return the texts; empty before the first `write`."""
        content = bytes(self._memory[:]).rstrip(b"\0")
        texts: dict[str, str] = json.loads(content) if content[:1] == b"{" else {}
        return texts
