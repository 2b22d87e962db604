"""What a worker does before its first request."""

from __future__ import annotations

import logging
import sys
import time
from functools import partial
from typing import Any

from ..capabilities import run_hooks
from ..example_calls import warm_up
from ..readiness import server_status
from ..registry import default
from ..settings import Settings
from . import draining
from .shares import shares
from .watching import watch

RETRY_AFTER = 1.0  # seconds
LONGEST_WARM_UP = 10.0  # seconds; what needs longer goes on beside the requests
_log = logging.getLogger("mmf.start")


def begin(worker: Any) -> None:
    """Load what must not be loaded before a fork, warm up, and look out for new files."""
    settings = Settings.from_env()
    run_hooks("worker_started")
    server_status.not_ready_reason = partial(refusal, worker.cfg.timeout)
    server_status.workers = partial(workers, worker.cfg.workers)
    try:
        default.load_artifacts()
    except Exception:
        if worker.age <= worker.cfg.workers:
            raise  # the service has just been started, and gunicorn ends it
        _log.exception("a new worker cannot load its artifacts; the others go on")
        time.sleep(RETRY_AFTER)
        sys.exit(1)  # gunicorn makes another one
    worker.notify()  # the time that gunicorn gives begins anew
    if settings.warm_up:
        # gunicorn's worker is told half the seconds after which it is replaced.
        warm_up(default, min(LONGEST_WARM_UP, worker.timeout or LONGEST_WARM_UP))
    if settings.reload_seconds:
        watch(default, worker, settings.reload_seconds)


def refusal(timeout: float) -> str:
    """Tell why no more requests should come; `timeout` is how long threads may all be taken."""
    if draining.has_begun():
        return "the service is being stopped"
    silent = time.monotonic() - shares.latest()
    if timeout and silent > timeout:
        return f"no worker has had a thread for another request for {silent:.0f} seconds"
    return ""


def workers(count: int) -> str:
    """Tell how many of the workers can take a request, unless it is all of them."""
    able = shares.able()
    return f"{able} of {count}" if able < count else ""
