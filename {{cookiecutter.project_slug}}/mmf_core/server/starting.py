"""What a worker does before its first request."""

from __future__ import annotations

import logging
import sys
import time
from typing import Any

from ..registry import default
from ..settings import Settings
from ..trials import warm_up
from .watching import watch

RETRY_AFTER = 1.0  # seconds
LONGEST_WARM_UP = 10.0  # seconds; what needs longer goes on beside the requests
_log = logging.getLogger("mmf.start")


def begin(worker: Any) -> None:
    """Load what must not be loaded before a fork, warm up, and look out for new files."""
    from ..web import metrics, tracing  # not at once: mmfmeta has no need of Flask

    settings = Settings.from_env()
    metrics.begin()
    tracing.start()
    try:
        default.make_ready()
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
