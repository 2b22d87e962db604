"""Which workers have loaded the candidate, and whether older ones are still running.

A reload starts new workers while the old ones finish their requests. As long as one of these is
running, a caller's version would depend on the worker, and could change back.
"""

from __future__ import annotations

import fcntl

from ..shared_memory import shared_file

_file = shared_file()


def join(generation: int) -> None:
    """Record the generation of this worker, counted from 0, until it ends."""
    fcntl.lockf(_file, fcntl.LOCK_SH | fcntl.LOCK_NB, 1, generation)


def has_older(generation: int) -> bool:
    """Report whether a worker of an earlier generation is still running."""
    if not generation:
        return False  # and a length of 0 would be the whole file
    try:
        fcntl.lockf(_file, fcntl.LOCK_EX | fcntl.LOCK_NB, generation)
    except OSError:
        return True
    fcntl.lockf(_file, fcntl.LOCK_UN, generation)
    return False
