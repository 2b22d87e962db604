"""How long each part of a request takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter


@dataclass(slots=True)
class Timings:
    """Seconds in each part of a request, and how many requests shared its call.

    `decode` ends when execution begins; `queue` is the wait until the function starts; `call` is
    the function's own time, in a batch that of all its rows; `encode` is the time to build the
    response. A part that has not run is 0.

    `batch_size` requests shared the call; with batch=, the call is counted for one of them, the
    `batch_leader`. `is_abandoned` reports whether nobody waits for the result any more.
    """

    decode: float = 0.0
    queue: float = 0.0
    call: float = 0.0
    encode: float = 0.0
    batch_size: int = 1
    batch_leader: bool = False
    encode_started: float = 0.0  # on `perf_counter`'s clock
    entered: float = field(default_factory=perf_counter)
    received: float = 0.0  # when the whole request had arrived; 0: it is not known
    is_abandoned: Callable[[], bool] = bool

    @property
    def deadline_started(self) -> float:
        """The time from which a deadline counts: decoding is a part of it, the client is not."""
        return self.received or self.entered
