"""The folder with the counts of every process: made at the start, removed at the end.

`PROMETHEUS_MULTIPROC_DIR` names it, for prometheus_client too: what `main.py` counts by that
package lies there as well. Where the variable is not set, the folder is our own, in memory where
the system has that. A service that is killed leaves its folder behind; the next one that starts
removes it, since nobody holds its lock any more.

A worker's counts outlive it: they are added to those of all that have left.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "mmf-metrics-"
_MEMORY = Path("/dev/shm")  # noqa: S108 - made by mkdtemp, nobody else's to write to
_COUNTS = re.compile(r"(counter|histogram|summary)_(\d+)(?:mmf)?\.db")
_OF_THE_LIVING = re.compile(r"gauge_live[a-z]+_(\d+)(?:mmf)?\.db")
_log = logging.getLogger("mmf.metrics")
_known: Path | None = None


def prepare() -> None:
    """Make the folder, or empty the one that is given; for the process that will fork.

    It has to come before prometheus_client is imported, which looks for the variable then.
    """
    global _known  # noqa: PLW0603 - one for this process, and all that it forks
    if _known:
        return  # gunicorn reads its configuration again for a new version
    given = Path(os.environ.get(VARIABLE, ""))
    if given == Path() or given.name.startswith(_PREFIX):  # that of a master that we replace
        _known = _make()
    else:
        given.mkdir(parents=True, exist_ok=True)
        _empty(given)
        atexit.register(_leave, os.getpid(), given, _empty)
        _known = given
    os.environ[VARIABLE] = str(_known)


def path() -> Path:
    """Return the folder; one for this process alone where nobody has prepared any."""
    global _known  # noqa: PLW0603
    if _known is None:
        given = os.environ.get(VARIABLE)
        _known = Path(given) if given else _make()
    return _known


@contextmanager
def unchanged() -> Iterator[None]:
    """Let nobody's counts be moved while they are added up."""
    import fcntl

    with (path() / "lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def pids() -> list[int]:
    """Return the processes that count here and have not left."""
    found = (_OF_THE_LIVING.fullmatch(file.name) for file in path().glob("gauge_live*mmf.db"))
    return sorted(int(match[1]) for match in found if match)


def fold() -> None:
    """Add the counts of processes that have ended to those of all others before them.

    If somebody is being told them just now, that can wait until the next one asks.
    """
    import fcntl

    try:
        with (path() / "lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            for file in path().iterdir():
                _fold(file)
    except BlockingIOError:
        pass
    except Exception:  # noqa: BLE001 - gunicorn's master would end, and a scrape has the rest
        _log.exception("the counts of processes that have ended stay where they are")


def _fold(file: Path) -> None:
    if match := _COUNTS.fullmatch(file.name):
        if not _lives(int(match[2])):
            _add(file, file.with_name(f"{match[1]}_gone.db"))
            file.unlink()
    elif (match := _OF_THE_LIVING.fullmatch(file.name)) and not _lives(int(match[1])):
        file.unlink()


def _add(file: Path, to: Path) -> None:
    from prometheus_client.mmap_dict import MmapedDict

    total = MmapedDict(str(to))
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
        total.write_value(key, total.read_value(key)[0] + value, 0.0)
    total.close()


def _lives(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _make() -> Path:
    """Return a new folder of our own, which is removed when this process ends."""
    import fcntl

    where = _MEMORY if os.access(_MEMORY, os.W_OK | os.X_OK) else Path(tempfile.gettempdir())
    _sweep(where)
    while True:
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=where))
        handle = os.open(folder, os.O_RDONLY)  # forks have it too: open until the last one ends
        fcntl.flock(handle, fcntl.LOCK_EX)
        if folder.exists():  # nobody has swept it away before it was locked
            break
        os.close(handle)
    atexit.register(_leave, os.getpid(), folder, shutil.rmtree)
    return folder


def _sweep(where: Path) -> None:
    """Remove the folders of services that were killed."""
    import fcntl

    for folder in where.glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or in use, or gone meanwhile
            handle = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder)
            finally:
                os.close(handle)


def _leave(owner: int, folder: Path, remove: Callable[[Path], object]) -> None:
    """Remove what is there, unless this is a fork of the process that has made it."""
    if os.getpid() == owner:
        with suppress(OSError):
            remove(folder)


def _empty(folder: Path) -> None:
    for file in (*folder.glob("*.db"), folder / "lock"):
        file.unlink(missing_ok=True)
