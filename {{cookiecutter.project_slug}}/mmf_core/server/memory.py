"""A worker's memory: a worker that grows past MMF_MAX_RSS_MIB ends between requests, replaced.

One worker at a time, and only while all of them can take requests. Whose turn it is, a lock
decides that the system gives back when the worker with it has ended.
"""

from __future__ import annotations

import fcntl
import logging
import os
from typing import Any

from ..processes import resident
from ..settings import MIB
from .shares import shares
from .watching import shared_file

_turn = shared_file()
_log = logging.getLogger("mmf.memory")


class MemoryLimit:
    """How much a worker may grow to; None is no limit, and no work."""

    def __init__(self, most: int | None) -> None:
        self._most = most
        if most and (now := resident()) >= most:
            _log.error(
                "MMF_MAX_RSS_MIB=%g is no limit: a worker begins with %.0f MiB",
                most / MIB,
                now / MIB,
            )
            self._most = None

    def is_passed(self, worker: Any) -> bool:
        """Tell whether a worker is to end now, and is the only one that does."""
        if self._most is None or resident() <= self._most or shares.able() < worker.cfg.workers:
            return False
        try:
            fcntl.lockf(_turn, fcntl.LOCK_EX | fcntl.LOCK_NB)  # kept until the worker has ended
        except OSError:
            return False
        _log.warning(
            "this worker has %.0f MiB and is replaced, by MMF_MAX_RSS_MIB; pid %d",
            resident() / MIB,
            os.getpid(),
        )
        return True
