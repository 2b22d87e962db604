"""Who polls, and for how long it may be kept from it."""

from __future__ import annotations

import time
from threading import Lock, get_ident

from ..turns import Turn

WAITED = 0.010  # seconds at one request, mostly off the processor, after which another leads
COMPUTED = 0.050  # seconds at one request altogether, after which another leads
NOTABLE = 0.002  # seconds that a request waits, at least, to be one that waits
OFTEN = 8  # times that it has done so, more than not
_SAMPLE = 32
_MOST_KNOWN = 256  # paths are the callers' own inventions


class Lead:
    """A thread's time as the one that polls."""

    def __init__(self, *, stands_in: bool = False) -> None:
        self.over = False
        self.stands_in = stands_in  # for a thread of the pool: none is free
        self.turn: Turn | None = None  # the one that it is at
        self.lock = Lock()  # held where it matters whether the lead is over
        self._thread = get_ident()

    def at(self, turn: Turn | None) -> None:
        """Note at which turn the thread is."""
        with self.lock:
            self.turn = turn

    def processor_time(self) -> float:
        """Return the seconds that the thread has computed; all of them where nobody can tell."""
        if not hasattr(time, "pthread_getcpuclockid"):  # macOS
            return time.monotonic()
        return time.clock_gettime(time.pthread_getcpuclockid(self._thread))


class Waiters:
    """Requests that were seen to wait rather than compute, by method and path.

    They are better off in threads, where several wait at a time.
    """

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}
        self._asked = 0

    def note(self, request: bytes, passed: float, computed: float) -> None:
        """Take in what a request has cost the leader, in seconds."""
        waited = passed - computed > NOTABLE and computed < passed / 2
        if waited or request in self._seen:
            seen = self._seen.get(request, 0) + (1 if waited else -1)
            if seen > 0 and (request in self._seen or len(self._seen) < _MOST_KNOWN):
                self._seen[request] = min(seen, 2 * OFTEN)
            else:
                self._seen.pop(request, None)

    def has(self, request: bytes) -> bool:
        """Tell whether to give a request a thread; now and then not, to see how it does."""
        if self._seen.get(request, 0) < OFTEN:
            return False
        self._asked += 1
        return self._asked % _SAMPLE != 0


class Look:
    """What another thread saw of a leader: at which turn it was, and what it had cost by then."""

    def __init__(self, lead: Lead) -> None:
        self.lead = lead
        self._turn = lead.turn
        self._at = time.monotonic()
        self._computed = lead.processor_time()

    def still_holds(self) -> bool:
        """Tell whether the leader is at the turn at which it was seen."""
        return self._turn is not None and self._turn is self.lead.turn

    def end_the_lead(self) -> bool:
        """End it, if the leader has been at one turn for too long, and say so."""
        passed = time.monotonic() - self._at
        computed = self.lead.processor_time() - self._computed
        if passed > COMPUTED or (passed > WAITED and computed < passed / 2):
            with self.lead.lock:
                self.lead.over = self.still_holds()
        return self.lead.over
