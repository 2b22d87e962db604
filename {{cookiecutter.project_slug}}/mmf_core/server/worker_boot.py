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
from . import file_watcher, graceful_shutdown, memory
from .scoreboard import scoreboard
from .worker import Worker

RETRY_AFTER = 1.0  # seconds
LONGEST_WARM_UP = 10.0  # seconds; a slower target warms up during the first requests
_log = logging.getLogger("mmf.start")


def boot(worker: Any) -> None:
    """Load what must not be loaded before a fork, warm up, and begin to watch files and memory."""
    settings = Settings.from_env()
    run_hooks("worker_started")
    graceful_shutdown.ignore_sigterm_while_draining()
    publishes = isinstance(worker, Worker)  # gunicorn's own workers leave the scoreboard empty
    server_status.not_ready_reason = partial(
        not_ready_reason, worker.cfg.timeout if publishes else 0
    )
    server_status.must_end = graceful_shutdown.must_end
    server_status.workers = available_workers if publishes else str
    try:
        default.load_artifacts()
    except Exception:
        if worker.age <= worker.cfg.workers:
            raise  # the service has just been started, and gunicorn ends it
        _log.exception("a new worker cannot load its artifacts; the others keep serving")
        time.sleep(RETRY_AFTER)
        sys.exit(1)  # gunicorn starts another
    worker.notify()  # restarts gunicorn's timeout
    if settings.warm_up:
        # worker.timeout is half of the time after which gunicorn replaces a silent worker.
        warm_up(default, min(LONGEST_WARM_UP, worker.timeout or LONGEST_WARM_UP))
    run_hooks("worker_ready")
    if settings.reload_seconds:
        file_watcher.watch(default, worker, settings.reload_seconds)
    memory.watch(settings.max_rss or 0)


def end(worker: Any) -> None:
    """Let capabilities finish what they do in a worker that has served its last request."""
    if not graceful_shutdown.is_ending():  # not by SIGTERM, but by WEB_MAX_REQUESTS
        graceful_shutdown.stop_worker(worker.cfg.graceful_timeout)
    run_hooks("worker_ended")


def not_ready_reason(timeout: float) -> str:
    """Return why no more requests should be sent, or an empty text.

    Every thread of every worker may be busy for `timeout` seconds; 0: without a limit.
    """
    if graceful_shutdown.has_begun():
        return "the service is shutting down"
    silent = time.monotonic() - scoreboard.last_seen()
    if timeout and silent > timeout:
        return f"every thread of every worker has been busy for {silent:.0f} seconds"
    return ""


def available_workers() -> str:
    """Return how many of the workers can take a request, such as "1 of 2", unless all can."""
    available, workers = scoreboard.available(), scoreboard.workers
    return f"{available} of {workers}" if available < workers else ""
