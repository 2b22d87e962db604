"""MMF_RELOAD_SECONDS: reload when the files of the service have changed.

A thread of one worker watches: the worker that holds a lock. When it ends, the kernel gives the
lock to another.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from threading import Thread
from typing import Any

from ..registry import Registry
from ..shared_memory import shared_file

_log = logging.getLogger("mmf.reload")


_lock = shared_file()


def watch(registry: Registry, worker: Any, seconds: float) -> None:
    """Have gunicorn reload when files have changed and then stayed the same for `seconds`."""
    Thread(target=_watch, args=(registry, worker, seconds), name="mmf-watch", daemon=True).start()


def _watch(registry: Registry, worker: Any, seconds: float) -> None:
    fcntl.lockf(_lock, fcntl.LOCK_EX)  # kept until the worker has ended
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
