"""What is printed during a request becomes log lines, with the request's id."""

from __future__ import annotations

import io
import logging
import threading
from typing import Any, TextIO

from .request_context import current_context


def original(stream: TextIO) -> TextIO:
    """Return the stream that a capture writes to; any other one itself."""
    return stream.stream if isinstance(stream, StdoutCapture) else stream


class _Thread(threading.local):
    is_logging = False


class StdoutCapture(io.TextIOBase):
    """Standard output that turns what is printed during a request into log lines.

    A logging handler of the author's that prints, such as rich's, gets these lines as well: what it
    prints of them goes straight to the output, or there would be no end.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._log = logging.getLogger("mmf.stdout")
        self._thread = _Thread()

    def write(self, text: str) -> int:
        context = current_context()
        if context is None or self._thread.is_logging:
            return self.stream.write(text)
        *lines, context.partial_line = (context.partial_line + text).split("\n")
        self._thread.is_logging = True
        try:
            for line in lines:
                self._log.info("%s", line)
        finally:
            self._thread.is_logging = False
        return len(text)

    @property
    def encoding(self) -> str:  # type: ignore[override] # read-only in every stream
        return self.stream.encoding

    @property
    def buffer(self) -> Any:
        return self.stream.buffer

    def flush(self) -> None:
        self.stream.flush()

    def fileno(self) -> int:
        return self.stream.fileno()

    def isatty(self) -> bool:
        return self.stream.isatty()

    def writable(self) -> bool:
        return True
