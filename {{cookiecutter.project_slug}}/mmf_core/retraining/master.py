"""gunicorn's master, which loads a promoted model."""

from __future__ import annotations

import os
import signal
from contextlib import suppress

_masters: list[int] = []


def remember_master() -> None:
    """Remember this process, from which those that run tasks are forked."""
    _masters[:] = [os.getpid()]


def request_reload() -> bool:
    """Have the master load the new version, as on SIGHUP; False outside of gunicorn."""
    for master in _masters:
        with suppress(ProcessLookupError):
            os.kill(master, signal.SIGHUP)
            return True
    return False
