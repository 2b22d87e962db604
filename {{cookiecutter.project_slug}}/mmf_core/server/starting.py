"""What a worker does before its first request."""

from __future__ import annotations

from typing import Any

from ..registry import default
from ..settings import Settings
from ..trials import warm_up
from .watching import watch

LONGEST_WARM_UP = 10.0  # seconds; what needs longer goes on beside the requests


def begin(worker: Any) -> None:
    """Load what must not be loaded before a fork, warm up, and look out for new files."""
    settings = Settings.from_env()
    default.make_ready()
    worker.notify()  # the time that gunicorn gives begins anew
    if settings.warm_up:
        # gunicorn's worker is told half the seconds after which it is replaced.
        warm_up(default, min(LONGEST_WARM_UP, worker.timeout or LONGEST_WARM_UP))
    if settings.reload_seconds:
        watch(default, worker, settings.reload_seconds)
