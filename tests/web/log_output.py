"""Standard output as a test sees it."""

import io
import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch


class Output(io.StringIO):
    """Standard output of a test, which may pose as a terminal."""

    is_terminal = False

    def isatty(self) -> bool:
        return self.is_terminal

    def json(self) -> list[dict[str, Any]]:
        """Read every line as a JSON object."""
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def access(self) -> dict[str, Any]:
        """Return the only access line."""
        (line,) = [entry for entry in self.json() if entry["logger"] == "mmf.access"]
        return line

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Replace standard output, with unconfigured logging, until the block ends."""
        root = logging.getLogger()
        handlers, level = root.handlers[:], root.level
        root.handlers.clear()
        try:
            with patch.object(sys, "stdout", self):
                yield
        finally:
            for name in ("gunicorn.error", "gunicorn.access", "werkzeug"):
                logger = logging.getLogger(name)
                logger.handlers.clear()
                logger.propagate = True
            root.handlers[:] = handlers
            root.setLevel(level)
