"""A look at the model's files, now and then: MMF_RELOAD_SECONDS.

A thread of one worker looks. Which one, a lock decides that the system gives to the next when
the worker with it has ended, however it has.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import tempfile
import time
from threading import Thread
from typing import Any

from ..registry import Registry

_log = logging.getLogger("mmf.reload")


def shared_file() -> int:
    """Return a file of no name, made before the fork; in memory where the system can."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("mmf-watch")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


_turn = shared_file()


def watch(registry: Registry, worker: Any, seconds: float) -> None:
    """Have gunicorn reload when files have changed, and stayed so from one look to the next."""
    Thread(target=_watch, args=(registry, worker, seconds), name="mmf-watch", daemon=True).start()


def _watch(registry: Registry, worker: Any, seconds: float) -> None:
    fcntl.lockf(_turn, fcntl.LOCK_EX)  # kept until the worker has ended
    tried = before = registry.fingerprints
    while worker.alive:
        time.sleep(seconds)
        now = registry.fingerprint()
        if now == before != tried and worker.alive:
            changed = [str(path) for path in now if now[path] != tried[path]]
            _log.info("reloading: %s changed", ", ".join(changed))
            tried = now
            os.kill(worker.ppid, signal.SIGHUP)
        before = now
