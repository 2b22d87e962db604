"""MMF_MAX_RSS_MIB: a worker that uses more memory ends after its requests, and is replaced.

One worker at a time, and only while all of them can take requests: the worker that holds a lock,
which the kernel releases when it has ended.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from threading import Thread

from ..processes import resident
from ..settings import MIB
from .file_watcher import shared_file
from .scoreboard import scoreboard

CHECK_INTERVAL = 1.0  # seconds
_lock = shared_file()
_log = logging.getLogger("mmf.memory")


def watch(limit: int) -> None:
    """End this worker, as SIGTERM does, when it uses more than `limit` bytes."""
    if resident() >= limit:
        _log.error(
            "MMF_MAX_RSS_MIB=%g ignored: a worker already uses %.0f MiB at start",
            limit / MIB,
            resident() / MIB,
        )
        return
    Thread(target=_watch, args=(limit,), name="mmf-memory", daemon=True).start()


def _watch(limit: int) -> None:
    while not is_exceeded(limit):
        time.sleep(CHECK_INTERVAL)
    _log.warning(
        "replacing this worker: it uses %.0f MiB, more than MMF_MAX_RSS_MIB; pid %d",
        resident() / MIB,
        os.getpid(),
    )
    os.kill(os.getpid(), signal.SIGTERM)


def is_exceeded(limit: int) -> bool:
    """Report whether this worker is over the limit and the only worker to end now."""
    if resident() <= limit or scoreboard.available() < scoreboard.workers:
        return False
    try:
        fcntl.lockf(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept until the worker has ended
    except OSError:
        return False
    return True
