"""A worker's memory: what large requests have freed is returned, and MMF_MAX_RSS_MIB bounds it.

glibc keeps what a thread has freed for that thread's next request, in an arena for each of them: a
worker would seem to grow by every large table until all of its threads have had one.

A worker that uses more than MMF_MAX_RSS_MIB ends after its requests, and is replaced. One worker at
a time, and only while all of them can take requests: the worker that holds a lock, which the kernel
releases when it has ended.
"""

from __future__ import annotations

import ctypes
import fcntl
import logging
import os
import signal
import sys
import time
from itertools import count
from threading import Thread

from ..processes import resident
from ..settings import MIB
from .file_watcher import shared_file
from .scoreboard import scoreboard

CHECK_INTERVAL = 1.0  # seconds
RELEASE_INTERVAL = 5  # checks
KEPT = 32 * MIB
"""A worker that has not grown by more than this keeps what it has freed: it needs it again."""
_lock = shared_file()
_log = logging.getLogger("mmf.memory")


def watch(limit: int = 0) -> None:
    """Return freed memory from now on; end this worker when it uses more than `limit` bytes.

    It ends as by SIGTERM. 0: without a limit.
    """
    if limit and resident() >= limit:
        _log.error(
            "MMF_MAX_RSS_MIB=%g ignored: a worker already uses %.0f MiB at start",
            limit / MIB,
            resident() / MIB,
        )
        limit = 0
    Thread(target=_watch, args=(limit,), name="mmf-memory", daemon=True).start()


def _watch(limit: int) -> None:
    own = resident()
    for second in count(1):
        time.sleep(CHECK_INTERVAL)
        if second % RELEASE_INTERVAL == 0 and resident() > own + KEPT:
            release()
        if limit and is_exceeded(limit):
            break
    _log.warning(
        "replacing this worker: it uses %.0f MiB, more than MMF_MAX_RSS_MIB; pid %d",
        resident() / MIB,
        os.getpid(),
    )
    os.kill(os.getpid(), signal.SIGTERM)


def release() -> None:
    """Return freed memory to the system, as far as the C library and pyarrow can."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's
        trim(0)
    if pyarrow := sys.modules.get("pyarrow"):
        pyarrow.default_memory_pool().release_unused()


def is_exceeded(limit: int) -> bool:
    """Report whether this worker is over the limit and the only worker to end now."""
    if resident() <= limit or scoreboard.available() < scoreboard.workers:
        return False
    try:
        fcntl.lockf(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept until the worker has ended
    except OSError:
        return False
    return True
