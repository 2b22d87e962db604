"""SIGTERM: readiness goes first, so that nobody sends more, and only then the service.

A load balancer needs a while to see that a service is not ready, and sends new connections until
then. So gunicorn's master notes the end where all workers see it, and goes on for
MMF_DRAIN_SECONDS, replacing dead workers even, before it does what it always did: it has each
worker answer what it has accepted, and what waits to be, and end.
"""

from __future__ import annotations

import logging
import math
import mmap
import signal
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from ..settings import Settings

_log = logging.getLogger("mmf.stop")
_until = memoryview(mmap.mmap(-1, 8)).cast("d")  # made before the fork; 0: nobody has asked to end


def has_begun() -> bool:
    """Tell whether the service is to end."""
    return bool(_until[0])


def goes_on() -> bool:
    """Tell whether it is to end, but goes on until then as if nothing were."""
    return time.monotonic() < _until[0]


def answer_sigterm(server: Any) -> None:
    """Have gunicorn's arbiter wait before it ends its workers."""
    server.handle_term = partial(_terminate, server, server.handle_term)


def _terminate(server: Any, stop: Callable[[], None]) -> None:
    seconds = min(Settings.from_env().drain_seconds, server.cfg.graceful_timeout)
    again = has_begun()
    now = time.monotonic()
    if again or not seconds:  # the time is up, or somebody is in a hurry
        signal.setitimer(signal.ITIMER_REAL, 0)
        _until[0] = now
        stop()
        return
    _until[0] = now + seconds
    _log.info("not ready from now on; requests are taken for %g seconds more", seconds)
    server.handle_hup = int  # no new version of what ends
    server.cfg.set("graceful_timeout", max(1, math.ceil(server.cfg.graceful_timeout - seconds)))
    signal.signal(signal.SIGALRM, lambda *_: server.signal(signal.SIGTERM, None))
    signal.setitimer(signal.ITIMER_REAL, seconds)
