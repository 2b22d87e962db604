"""How far a run is: a line that changes in a terminal, a line each minute elsewhere."""

from __future__ import annotations

from time import monotonic
from typing import TextIO

_IN_TERMINAL, _ELSEWHERE = 0.2, 60.0
_MINUTE, _HOUR = 60, 3600


class Progress:
    """Reports to a stream; `position` is the share of the input that has been read."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._is_terminal = stream.isatty()
        self._started = self._shown = monotonic()
        self._skipped_rows, self._skipped_position = 0, 0.0
        self._width = 0
        self.rows = self.bad = 0
        self.position = 0.0

    def skip(self, rows: int, bad: int, position: float) -> None:
        """Count rows that an earlier run has done."""
        self.rows += rows
        self.bad += bad
        self.position = self._skipped_position = position
        self._skipped_rows = self.rows

    def add(self, rows: int, bad: int, position: float) -> None:
        """Count rows that are done, and report if it is time."""
        self.rows += rows
        self.bad += bad
        self.position = max(self.position, position)
        pause = _IN_TERMINAL if self._is_terminal else _ELSEWHERE
        if monotonic() - self._shown >= pause:
            self._show()

    def end(self) -> None:
        """Clear the line."""
        if self._is_terminal and self._width:
            self._stream.write("\r" + " " * self._width + "\r")
            self._stream.flush()

    def _show(self) -> None:
        self._shown = monotonic()
        text = self.text(self._shown - self._started)
        if self._is_terminal:
            self._stream.write("\r" + text.ljust(self._width))
            self._width = len(text)
        else:
            self._stream.write(text + "\n")
        self._stream.flush()

    def text(self, seconds: float) -> str:
        """Return the line after this many seconds."""
        position = self._skipped_position
        speed = (self.rows - self._skipped_rows) / seconds if seconds else 0.0
        parts = [counted(self.rows, "row"), f"{speed:,.0f} rows/s"]
        if self.position > position:
            left = seconds * (1 - self.position) / (self.position - position)
            parts = [f"{self.position:.0%}", *parts, f"{duration(left)} left"]
        return ", ".join([*parts, counted(self.bad, "bad row")])


def duration(seconds: float) -> str:
    """Return seconds as people write them: 42 s, 3:05, 2:03:05."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{whole} s"
    minutes, rest = divmod(whole, _MINUTE)
    if whole < _HOUR:
        return f"{minutes}:{rest:02}"
    return f"{minutes // 60}:{minutes % 60:02}:{rest:02}"


def counted(number: int, unit: str) -> str:
    """Return how many there are: 1 row, 1,000 rows."""
    return f"{number:,} {unit}" if number == 1 else f"{number:,} {unit}s"
