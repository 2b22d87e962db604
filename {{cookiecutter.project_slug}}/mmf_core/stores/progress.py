"""Progress of a transfer: one line that is rewritten in a terminal, and a log line now and then."""

from __future__ import annotations

import logging
import sys
import time

from ..settings import MIB

LINE_EVERY = 0.2
LOG_EVERY = 5.0
_log = logging.getLogger("mmf.stores")


class Progress:
    """Reports MiB and rate of a transfer; `total` is in bytes, negative if unknown."""

    def __init__(self, name: str, total: int, done: int = 0) -> None:
        self.name = name
        self.total = total
        self._first = done
        self._started = self._logged = time.monotonic()
        self._printed = 0.0
        self._is_terminal = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Report that `done` bytes have been transferred so far."""
        now = time.monotonic()
        if self._is_terminal and now - self._printed >= LINE_EVERY:
            self._printed = now
            print(f"\r{self.name}: {self._text(done, now)}   ", end="", file=sys.stderr)
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            _log.info("%s: %s", self.name, self._text(done, now))

    def end(self, done: int) -> None:
        """Report that the transfer is complete."""
        now = time.monotonic()
        if self._printed:  # the terminal's line is still open
            print(f"\r{self.name}: {self._text(done, now)}   ", file=sys.stderr)
        seconds = now - self._started
        _log.info("%s: fetched %s in %.1f s", self.name, self._text(done, now), seconds)

    def _text(self, done: int, now: float) -> str:
        rate = (done - self._first) / max(now - self._started, 1e-3)
        of_total = f" of {self.total / MIB:.1f}" if self.total >= 0 else ""
        return f"{done / MIB:.1f}{of_total} MiB, {rate / MIB:.1f} MiB/s"
