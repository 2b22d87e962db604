"""How far a transfer is: a line that is written over in a terminal, now and then one in the log."""

from __future__ import annotations

import logging
import sys
import time

from ..settings import MIB

LINE_EVERY = 0.2
LOG_EVERY = 5.0
_log = logging.getLogger("mmf.stores")


class Progress:
    """Tells bytes and rate; `total` is negative if nobody knows."""

    def __init__(self, name: str, total: int, done: int = 0) -> None:
        self.name = name
        self.total = total
        self._first = done
        self._started = self._logged = time.monotonic()
        self._shown = 0.0
        self._terminal = sys.stderr.isatty()

    def __call__(self, done: int) -> None:
        """Take how many bytes there are by now."""
        now = time.monotonic()
        if self._terminal and now - self._shown >= LINE_EVERY:
            self._shown = now
            print(f"\r{self.name}: {self._text(done, now)}   ", end="", file=sys.stderr)
        if now - self._logged >= LOG_EVERY:
            self._logged = now
            _log.info("%s: %s", self.name, self._text(done, now))

    def end(self, done: int) -> None:
        """Tell that the transfer is over."""
        now = time.monotonic()
        if self._shown:  # a line in the terminal is not ended yet
            print(f"\r{self.name}: {self._text(done, now)}   ", file=sys.stderr)
        seconds = now - self._started
        _log.info("%s: fetched %s in %.1f s", self.name, self._text(done, now), seconds)

    def _text(self, done: int, now: float) -> str:
        rate = (done - self._first) / max(now - self._started, 1e-3)
        of = f" of {self.total / MIB:.1f}" if self.total >= 0 else ""
        return f"{done / MIB:.1f}{of} MiB, {rate / MIB:.1f} MiB/s"
