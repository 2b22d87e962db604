"""Who polls, and for how long it may be kept from it."""

from __future__ import annotations

import time
from threading import Lock, get_ident

from ..turns import Turn

WAITED = 0.010  # seconds at one request, mostly off the processor, after which another leads
COMPUTED = 0.050  # seconds at one request altogether, after which another leads


class Lead:
    """A thread's time as the one that polls."""

    def __init__(self) -> None:
        self.over = False
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
