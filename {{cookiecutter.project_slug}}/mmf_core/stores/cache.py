"""Fetched artifacts on this machine: fetched once for all processes, within a bound on size.

A folder per checksum holds the file under its own name, since the suffix determines the format. Two
lock files sit next to it. A fetching process holds the first exclusively. A process that uses the
artifact shares the second with all other users, until it and its forks end. Eviction takes both
exclusively, so an artifact in use is never removed.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from ..errors import StoreError
from ..settings import Settings
from .digests import is_sha256, sha256_of, size_of
from .objects import Version

FETCHING, IN_USE = "fetching", "using"
WAITING = "%s: waiting for another process that is fetching it"
_log = logging.getLogger("mmf.stores")
_shared: dict[Path, int] = {}
"""Lock file descriptors of the artifacts that this process uses."""


def ensure_cached(
    target: Path, source: str, expected: Version, fetch: Callable[[], object]
) -> Path:
    """Return `target`, kept for this process; call `fetch` first if it is absent or has changed."""
    if not (target in _shared and target.exists()):
        with exclusive_lock(target.parent, FETCHING, WAITING % source):
            if not _is_valid(target, expected):
                evict(max(expected.size, 0))
                fetch()
            shared_lock(target)
    os.utime(target.parent)
    return target


def folder() -> Path:
    """Return the cache's folder: MMF_CACHE, else the user's, else one beside temporary files."""
    if configured := Settings.from_env().cache:
        return _writable(Path(configured))
    with suppress(StoreError, RuntimeError):
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        return _writable(Path(base).expanduser() / "mmf")
    try:
        return _writable(Path(tempfile.gettempdir()) / f"mmf-{os.getuid()}")
    except FileNotFoundError as error:
        raise StoreError("no writable folder for fetched artifacts: set MMF_CACHE") from error


def path_of(checksum: str, name: str) -> Path:
    """Return the path of a copy in the cache; StoreError for one that would be outside of it.

    A checksum may come from a server, and a name from a URL, in which `%2f` is a slash.
    """
    if not is_sha256(checksum):
        raise StoreError(f"expected a sha256 of 64 hexadecimal digits, got {checksum[:80]!r}")
    if name in {"", ".", ".."} or not {"/", "\\", "\0"}.isdisjoint(name):
        raise StoreError(f"expected a file name at the end of the URI, got {name[:80]!r}")
    return folder() / checksum / name


def evict(size: int) -> None:
    """Remove the least recently used artifacts until `size` bytes fit, but none that is in use."""
    cache = folder()
    with exclusive_lock(cache / "room", "making", "waiting for another process that evicts"):
        entries = sorted(
            (entry for entry in cache.iterdir() if entry.is_dir()),
            key=lambda entry: entry.stat().st_mtime,
        )
        sizes = {entry: _size(entry) for entry in entries}
        for entry in entries:
            if sum(sizes.values()) + size <= Settings.from_env().max_cache:
                return
            with (
                suppress(BlockingIOError),
                exclusive_lock(entry, FETCHING),
                exclusive_lock(entry, IN_USE),
            ):
                shutil.rmtree(entry)
                sizes[entry] = 0
                _log.info("removed %s: the cache is over MMF_MAX_CACHE_MIB", entry)


def shared_lock(target: Path) -> None:
    """Keep other processes from evicting an artifact while this one and its forks live."""
    import fcntl

    if target not in _shared:
        _shared[target] = _open_lock(target.parent, IN_USE)
        fcntl.flock(_shared[target], fcntl.LOCK_SH)


def release_all() -> None:
    """Let other processes evict the artifacts that this one used."""
    while _shared:
        os.close(_shared.popitem()[1])


@contextmanager
def exclusive_lock(entry: Path, purpose: str, waiting: str = "") -> Iterator[None]:
    """Keep all other processes out.

    If another process holds the lock: log `waiting` and wait; BlockingIOError without `waiting`.
    """
    import fcntl

    lock = _open_lock(entry, purpose)
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


def _open_lock(entry: Path, purpose: str) -> int:
    path = entry.with_name(f"{entry.name}.{purpose}")
    try:
        return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:  # such as a full disk
        raise StoreError(f"cannot create {path}: {error.strerror}; set MMF_CACHE") from error


def _writable(path: Path) -> Path:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"cannot create {path}: {error.strerror}; set MMF_CACHE") from error
    # Another user could put other files into a folder of theirs.
    if not os.access(path, os.W_OK | os.X_OK) or path.stat().st_uid not in {0, os.getuid()}:
        raise StoreError(f"{path} belongs to another user or is read-only; set MMF_CACHE")
    return path.absolute()


def _is_valid(target: Path, expected: Version) -> bool:
    if not target.exists():
        return False
    if not expected.sha256 or sha256_of(target) == expected.sha256:
        return True
    _log.warning("%s was modified in the cache; fetching it again", target)
    return False


def _size(entry: Path) -> int:
    with suppress(FileNotFoundError):  # a download that is renamed just now
        return size_of(entry)
    return 0
