"""`PROMETHEUS_MULTIPROC_DIR`: the directory in which all processes of a service keep their counts.

If the variable is not set, a temporary directory is used, in memory if the system supports that. A
service that is killed leaves its directory behind; the next to start removes it, because its lock
is free.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from ..settings import MIB
from ..shared_memory import memory_folder
from .slots import Slots

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "mmf-metrics-"
_ROOM = 4 * MIB  # for the counts of some workers and targets
_log = logging.getLogger("mmf.metrics")
_slots: Slots | None = None


def setup() -> None:
    """Create the directory, or empty the configured one, in the process that will fork.

    Call it before anything imports prometheus_client, which reads the variable at import.
    """
    global _slots  # noqa: PLW0603 - one for this process and all that it forks
    if _slots:
        return  # gunicorn reads its configuration again at a reload
    configured = os.environ.get(VARIABLE, "")
    if not configured or Path(configured).name.startswith(_PREFIX):  # that of the replaced master
        directory = _create()
    else:
        directory = Path(configured)
        directory.mkdir(parents=True, exist_ok=True)
        _empty(directory)
        _at_exit(_empty, directory)
    os.environ[VARIABLE] = str(directory)
    _slots = Slots(directory)
    _share_values(_slots)


def start_worker() -> None:
    """Have this process listed among the workers."""
    try:
        if _slots:
            _slots.publish_pid()
    except OSError:
        _log.exception("this worker is not listed in mmf_worker_memory_bytes")


def slots() -> Slots | None:
    """Return the slots of this service; None if it is a single process."""
    return _slots


def _share_values(slots: Slots) -> None:
    """Have prometheus_client count in our files, which are named by slot, with room reserved.

    Its maintainers suggest names of one's own: github.com/prometheus/client_python/issues/509.
    """
    from prometheus_client import values

    from .shared_values import SharedValues

    values.ValueClass = SharedValues(slots.current, slots.directory)


def _create() -> Path:
    """Return a new directory, locked until the last process of this service has ended."""
    parent = Path(memory_folder(_ROOM) or tempfile.gettempdir())
    _remove_abandoned(parent)
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        descriptor = os.open(directory, os.O_RDONLY)  # inherited by every fork
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if directory.exists():  # no other service has removed it before it was locked
            break
        os.close(descriptor)
    _at_exit(shutil.rmtree, directory)
    return directory


def _remove_abandoned(parent: Path) -> None:
    """Remove the directories of services that were killed."""
    for directory in parent.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or in use, or already removed
            descriptor = os.open(directory, os.O_RDONLY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(directory)
            finally:
                os.close(descriptor)


def _at_exit(remove: Callable[[Path], object], directory: Path) -> None:
    """Call `remove` when this process ends, not when a fork of it does."""
    owner = os.getpid()

    def run() -> None:
        if os.getpid() == owner:
            with suppress(OSError):
                remove(directory)

    atexit.register(run)


def _empty(directory: Path) -> None:
    for pattern in ("*.db", "*.lock"):
        for file in directory.glob(pattern):
            file.unlink(missing_ok=True)
