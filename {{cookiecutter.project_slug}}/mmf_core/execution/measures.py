"""Where the time of one request goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter


@dataclass(slots=True)
class Timings:
    """Seconds in each part of a request, and how many requests shared its call.

    `decode` ends when execution begins; `queue` is the wait until the function started; `call` is
    the function's own time, for a joined call that of all its rows; `encode` is the answer's. What
    has not happened is 0.

    `joined` requests shared the call. `batch` is the same for the one of them that the call counts
    for, and 0 for the others, and where there is no batch=.
    """

    decode: float = 0.0
    queue: float = 0.0
    call: float = 0.0
    encode: float = 0.0
    joined: int = 1
    batch: int = 0
    encoding: float = 0.0  # since when, on `perf_counter`'s clock
    entered: float = field(default_factory=perf_counter)

    def started(self, at: float) -> None:
        """Note that the function was started, on `perf_counter`'s clock."""
        self.queue = at - self.entered
