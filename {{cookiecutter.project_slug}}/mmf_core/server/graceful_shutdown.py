"""SIGTERM: readiness fails first, so that new traffic stops, and only then the service ends.

A load balancer needs a while to notice that a service is not ready, and sends new connections until
then. So gunicorn's master marks the shutdown in shared memory, and keeps running for
MMF_DRAIN_SECONDS, replacing dead workers as usual. Only then it stops as gunicorn does: each worker
serves the connections that are open or waiting in the backlog, and ends.
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

MARGIN = 1.0  # seconds for what follows the last response
_end_of_responses = math.inf
_log = logging.getLogger("mmf.shutdown")
_deadline = memoryview(mmap.mmap(-1, 8)).cast("d")  # created before the fork; 0: no shutdown yet


def has_begun() -> bool:
    """Report whether the service is shutting down."""
    return bool(_deadline[0])


def is_draining() -> bool:
    """Report whether the service is shutting down but still accepts requests."""
    return time.monotonic() < _deadline[0]


def must_end() -> bool:
    """Report whether responses that are still being sent have to end: gunicorn soon ends this."""
    return time.monotonic() > _end_of_responses


def is_ending() -> bool:
    """Report whether this worker ends when its requests have."""
    return _end_of_responses < math.inf


def seconds_left() -> float:
    """Return how long what this worker does may take until it ends; infinite if it does not."""
    return max(0.0, _end_of_responses - time.monotonic())


def stop_worker(graceful_timeout: float) -> None:
    """Let the responses of this worker take most of the time that it has after SIGTERM."""
    global _end_of_responses  # noqa: PLW0603 - of this process
    left = graceful_timeout - Settings.from_env().drain_seconds - MARGIN
    _end_of_responses = time.monotonic() + max(0.0, left)


def handle_sigterm(server: Any) -> None:
    """Have gunicorn's arbiter drain before it ends its workers."""
    server.handle_term = partial(_terminate, server, server.handle_term)


def ignore_sigterm_while_draining() -> None:
    """Have this worker wait for the master; some systems send SIGTERM to workers as well."""
    end = signal.getsignal(signal.SIGTERM)

    def handle(number: int, frame: Any) -> None:
        if not is_draining() and callable(end):
            end(number, frame)

    signal.signal(signal.SIGTERM, handle)
    signal.siginterrupt(signal.SIGTERM, False)


def _terminate(server: Any, stop: Callable[[], None]) -> None:
    seconds = min(Settings.from_env().drain_seconds, server.cfg.graceful_timeout)
    now = time.monotonic()
    if has_begun() or not seconds:  # the drain is over, or a second SIGTERM cuts it short
        signal.setitimer(signal.ITIMER_REAL, 0)
        _deadline[0] = now
        stop()
        return
    _deadline[0] = now + seconds
    _log.info("draining: readiness now fails, still accepting requests for %g s", seconds)
    server.handle_hup = int  # no reload during the shutdown
    server.cfg.set("graceful_timeout", max(1, math.ceil(server.cfg.graceful_timeout - seconds)))
    signal.signal(signal.SIGALRM, lambda *_: server.signal(signal.SIGTERM, None))
    signal.setitimer(signal.ITIMER_REAL, seconds)
