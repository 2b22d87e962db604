"""Fetched artifacts on this machine: once for all processes, within a bound, used ones kept.

A folder for each sum, and in it the file under its own name, since the suffix tells the format.
Beside it lie two lock files. Who fetches holds one alone. Who uses the artifact holds the other
together with all that do, to the end of the process and of its forks. An artifact is removed by
whoever can have both alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from ..errors import StoreError
from ..settings import Settings
from .base import Store, Version, shown
from .digests import PACKED, sha256_of, size_of, unpack
from .transfer import download

_log = logging.getLogger("mmf.stores")
_held: dict[Path, int] = {}
"""What is used here, and the lock file by which it is held."""


def fetch(store: Store, uri: str, wanted: Version, name: str) -> Path:
    """Return the path of an object's copy on this machine, whose sha256 is right.

    `name` is the copy's; an object named `….tar` is unpacked if `name` is not, and the sum is that
    of the folder. Without `wanted.sha256` the store's own is taken; if there is none, a warning.
    """
    if not wanted.sha256:
        found = store.stat(uri, wanted.id)
        wanted = replace(found, id=wanted.id or found.id)
        if not wanted.sha256:
            _log.warning("%s: taken as it is, its sha256 is not known: mmfmeta lock", shown(uri))
    key = wanted.sha256 or hashlib.sha256(f"{uri} {wanted.id} {wanted.tag}".encode()).hexdigest()
    target = folder() / key / name
    return placed(target, shown(uri), wanted, lambda: _bring(store, uri, wanted, target))


def placed(target: Path, source: str, wanted: Version, bring: Callable[[], object]) -> Path:
    """Return `target`, held for this process, after `bring` has made it if it was not right."""
    if not (target in _held and target.exists()):
        with alone(target.parent, "fetching", f"{source}: another process has it in hand"):
            if not _is_right(target, wanted):
                evict(max(wanted.size, 0))
                bring()
            hold(target)
    os.utime(target.parent)
    return target


def folder() -> Path:
    """Return the cache's folder: MMF_CACHE, else the user's, else one beside temporary files."""
    if chosen := Settings.from_env().cache:
        return _writable(Path(chosen))
    with suppress(StoreError, RuntimeError):
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return _writable(Path(base).expanduser() / "mmf")
    try:
        return _writable(Path(tempfile.gettempdir()) / f"mmf-{os.getuid()}")
    except FileNotFoundError as error:
        raise StoreError("there is no folder for fetched artifacts: set MMF_CACHE") from error


def let_go() -> None:
    """Let other processes remove what was used here."""
    while _held:
        os.close(_held.popitem()[1])


def evict(size: int) -> None:
    """Remove what was not used for longest until `size` bytes fit in, but nothing that is held."""
    here = folder()
    with alone(
        here / "room", "making", "room is made"
    ):  # so that nothing vanishes that is looked at
        entries = sorted(
            (one for one in here.iterdir() if one.is_dir()), key=lambda one: one.stat().st_mtime
        )
        sizes = {entry: _size(entry) for entry in entries}
        for entry in entries:
            if sum(sizes.values()) + size <= Settings.from_env().max_cache:
                return
            with suppress(BlockingIOError), alone(entry, "fetching"), alone(entry, "using"):
                shutil.rmtree(entry)
                sizes[entry] = 0
                _log.info("%s is removed: MMF_MAX_CACHE_MIB is the bound", entry)


def _writable(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"{path} cannot be made: {error.strerror}; set MMF_CACHE") from error
    # Somebody else could put other files into a folder of theirs.
    if not os.access(path, os.W_OK | os.X_OK) or path.stat().st_uid not in {0, os.getuid()}:
        raise StoreError(f"{path} is not this user's to write to; set MMF_CACHE")
    return path.absolute()


def _bring(store: Store, uri: str, wanted: Version, target: Path) -> None:
    if not uri.endswith(PACKED) or target.name.endswith(PACKED):
        download(store, uri, target, wanted)
        return
    archive = target.with_name(target.name + PACKED)
    new = target.with_name(f"{target.name}.new")
    download(store, uri, archive, Version(id=wanted.id))
    for old in (new, target):
        shutil.rmtree(old, ignore_errors=True)
    unpack(archive, new)
    archive.unlink()
    if wanted.sha256 and wanted.sha256 != (found := sha256_of(new)):
        shutil.rmtree(new)
        raise StoreError(
            f"{shown(uri)} is not the folder that is wanted: its sha256 is {found}, and "
            f"{wanted.sha256} is expected"
        )
    new.replace(target)


def _is_right(target: Path, wanted: Version) -> bool:
    if not target.exists():
        return False
    if not wanted.sha256 or sha256_of(target) == wanted.sha256:
        return True
    _log.warning("%s has changed, and is fetched again", target)
    return False


def _size(entry: Path) -> int:
    with suppress(FileNotFoundError):  # what is being fetched has got its name just now
        return size_of(entry)
    return 0


def hold(target: Path) -> None:
    """Keep others from removing what is used here."""
    import fcntl

    if target not in _held:
        _held[target] = _open_lock(target.parent, "using")
        fcntl.flock(_held[target], fcntl.LOCK_SH)


@contextmanager
def alone(entry: Path, what: str, waiting: str = "") -> Iterator[None]:
    """Keep all other processes out.

    Where one has the lock: BlockingIOError, or `waiting` in the log, and wait.
    """
    import fcntl

    lock = _open_lock(entry, what)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not waiting:
                raise
            _log.info("%s", waiting)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open_lock(entry: Path, what: str) -> int:
    return os.open(entry.with_name(f"{entry.name}.{what}"), os.O_RDWR | os.O_CREAT, 0o600)
