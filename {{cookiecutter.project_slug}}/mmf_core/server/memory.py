"""A worker's memory: what large requests have freed is returned, and MMF_MAX_RSS_MIB bounds it.

glibc keeps what a thread has freed for that thread's next request, in an arena for each of them,
and the larger the tables the more; pyarrow's own allocator does the same. A worker would seem to
grow by every large table until all of its threads have had one.

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
from urllib.parse import clear_cache  # type: ignore[attr-defined] # is not documented

from ..codecs import forget_keys, forget_labels
from ..processes import KEPT, release, resident
from ..settings import MIB
from ..shared_memory import shared_file
from .scoreboard import scoreboard

CHECK_INTERVAL = 1.0  # seconds
RELEASE_INTERVAL = 5  # checks
IDLE = 0.02  # cores: a worker that uses less has time to look for what it has freed
IDLE_KEPT = 2 * MIB
MALLOPT = {-8: 2, -1: 16 * MIB, -3: 4 * MIB}
"""M_ARENA_MAX, M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of glibc's malloc.h. Once set, glibc no longer
raises the last two by the size of what is freed, up to 64 and 32 MiB. A buffer that grows step by
step, such as a body that is decompressed, leaves its former places behind up to the last of them.
"""
_POOL = "ARROW_DEFAULT_MEMORY_POOL"
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
    bound_allocators()
    Thread(target=_watch, args=(limit,), name="mmf-memory", daemon=True).start()


def _watch(limit: int) -> None:
    own = least = resident()
    used = time.process_time()
    for second in count(1):
        time.sleep(CHECK_INTERVAL)
        if second % RELEASE_INTERVAL == 0:
            is_idle = time.process_time() - used < IDLE * RELEASE_INTERVAL * CHECK_INTERVAL
            if resident() > (least + IDLE_KEPT if is_idle else own + KEPT):
                forget_labels()
                forget_keys()
                clear_cache()  # callers' addresses
                release()
                least = resident()
            used = time.process_time()
        if limit and is_exceeded(limit):
            break
    _log.warning(
        "replacing this worker: it uses %.0f MiB, more than MMF_MAX_RSS_MIB; pid %d",
        resident() / MIB,
        os.getpid(),
    )
    os.kill(os.getpid(), signal.SIGTERM)


def choose_pool() -> None:
    """Have pyarrow, when it is imported, take its memory from glibc.

    Its own allocator keeps what was freed, for each thread. The operator's choice is kept.
    """
    os.environ.setdefault(_POOL, "system")


def bound_allocators() -> None:
    """Have glibc keep little of what is freed, and pyarrow take its memory from there.

    The operator's ARROW_DEFAULT_MEMORY_POOL, or any MALLOC_… variable (mallopt(3)), is kept.
    """
    choose_pool()
    if os.environ[_POOL] == "system" and (pyarrow := sys.modules.get("pyarrow")):
        pyarrow.set_memory_pool(pyarrow.system_memory_pool())  # it was imported before
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt and not any(name.startswith("MALLOC_") for name in os.environ):
        for parameter, value in MALLOPT.items():
            mallopt(parameter, value)


def is_exceeded(limit: int) -> bool:
    """Report whether this worker is over the limit and the only worker to end now."""
    if resident() <= limit or scoreboard.available() < scoreboard.workers:
        return False
    try:
        fcntl.lockf(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept until the worker has ended
    except OSError:
        return False
    return True
