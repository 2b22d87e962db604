"""What a task prints and logs, for its caller: the beginning and the end, if it is long."""

from __future__ import annotations

import logging
from collections import deque
from threading import Lock

from ..errors import as_text
from ..web.log_redaction import redactor

MAX_LOG = 512 * 1024
"""Characters that are kept: the first half, and the last."""
_OURS, _PRINTED = "mmf.", "mmf.stdout"


class TaskLog(logging.Handler):
    """Keeps the author's lines, without secrets; the service's own are for its operator."""

    def __init__(self) -> None:
        super().__init__()
        self.addFilter(_is_author)
        self._redact = redactor()
        self._access = Lock()  # of the buffers, which another thread reads
        self.clear()

    def clear(self) -> None:
        """Start a new log."""
        with self._access:
            self._first: list[str] = []
            self._last: deque[str] = deque()
            self._room, self._tail, self._dropped = MAX_LOG // 2, 0, 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        text = as_text(self._redact(self.format(record)))
        line = text[: MAX_LOG // 2 - 1] + "\n"
        with self._access:
            self._dropped += len(text) + 1 - len(line)
            if len(line) <= self._room:
                self._first.append(line)
                self._room -= len(line)
                return
            self._room = 0
            self._last.append(line)
            self._tail += len(line)
            while self._tail > MAX_LOG // 2:
                dropped = len(self._last.popleft())
                self._tail -= dropped
                self._dropped += dropped

    def format(self, record: logging.LogRecord) -> str:
        """Return printed text unchanged, and other lines with their level and logger."""
        text = super().format(record)
        return text if record.name == _PRINTED else f"{record.levelname} {record.name}: {text}"

    def text(self) -> str:
        """Return the log up to now."""
        with self._access:
            gap = [f"… {self._dropped} characters left out …\n"] if self._dropped else []
            return "".join([*self._first, *gap, *self._last])


def _is_author(record: logging.LogRecord) -> bool:
    return record.name == _PRINTED or not record.name.startswith((_OURS, "gunicorn."))
