"""A download: resumed where it broke off, checked, and whole before it has the file's name."""

from __future__ import annotations

import errno
import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO

from ..errors import StoreError
from ..settings import MIB
from .base import UNKNOWN, Content, Store, Version, shown
from .over_http import RANGE_NOT_SATISFIABLE, Refused, connection_error
from .progress import Progress

CHUNK = MIB
FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_log = logging.getLogger("mmf.stores")


class _Part:
    """What there is of an object by now, and its sum."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        file.seek(0)
        self.digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
        self.done = file.tell()

    def add(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.digest.update(chunk)
        self.done += len(chunk)

    def restart(self) -> None:
        self.file.truncate(0)
        self.digest = hashlib.sha256()
        self.done = 0


def download(store: Store, uri: str, target: Path, wanted: Version) -> None:
    """Write the object to `target`, in one step at the end.

    What there is before that is `target.part`, and the next attempt goes on from it: give a target
    with the version in its path. StoreError where size or sha256 are not those that are `wanted`.
    """
    path = target.with_name(f"{target.name}.part")
    with _disk_errors(uri, path):
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            part = _Part(file)
            _fill(part, store, uri, wanted)
        if wanted.sha256 and part.digest.hexdigest() != wanted.sha256:
            path.unlink()
            raise StoreError(
                f"{shown(uri)} is not the file that is wanted: its sha256 is "
                f"{part.digest.hexdigest()}, and {wanted.sha256} is expected; nothing is kept of it"
            )
        path.replace(target)


def _fill(part: _Part, store: Store, uri: str, wanted: Version) -> None:
    if part.done > wanted.size != UNKNOWN:
        part.restart()
    total = wanted.size
    if part.done:
        _log.info("%s: goes on after %.1f MiB", shown(uri), part.done / MIB)
    progress = Progress(shown(uri), total, part.done)
    while part.done != total:
        before = part.done
        content = _opened(part, store, uri, wanted)
        with closing(content.file):
            total = progress.total = content.version.size
            _refuse_if_full(part, total)
            broken = _copy(content, part, progress)
        if not broken and total in {UNKNOWN, part.done}:
            break
        if part.done <= before:  # what brings nothing now will bring nothing the next time
            raise broken or StoreError(
                f"{shown(uri)} ends after {part.done} of {total} bytes; is it whole in its store?"
            )
        _log.warning("%s: broke off after %d bytes, and is resumed", shown(uri), part.done)
    progress.end(part.done)


def _opened(part: _Part, store: Store, uri: str, wanted: Version) -> Content:
    """Open the object where `part` ends; at its beginning if it cannot be opened there."""
    try:
        content = store.open(uri, part.done, wanted.id)
    except Refused as error:
        if error.code != RANGE_NOT_SATISFIABLE or not part.done:
            raise
        part.restart()
        content = store.open(uri, 0, wanted.id)
    size = content.version.size
    if UNKNOWN not in {size, wanted.size} and size != wanted.size:
        content.file.close()
        raise StoreError(
            f"{shown(uri)} has {size} bytes, and {wanted.size} are expected: it is cut off, or "
            f"another file; push it again"
        )
    if content.start != part.done:  # a server that knows no ranges
        part.restart()
    return content


def _copy(content: Content, part: _Part, progress: Progress) -> StoreError | None:
    """Read to the end; return the error of a connection that breaks."""
    while part.done != content.version.size:
        try:
            chunk = content.file.read1(CHUNK)  # what has come is not lost if no more does
        except (OSError, HTTPException) as error:
            return connection_error(progress.name, error)
        if not chunk:
            break
        part.add(chunk)
        progress(part.done)
    return None


def _refuse_if_full(part: _Part, total: int) -> None:
    folder = Path(part.file.name).parent
    if total - part.done > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def _disk_errors(uri: str, part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise StoreError(f"{part} cannot be written: {error.strerror or error}") from error
        part.unlink(missing_ok=True)  # the room is needed
        raise StoreError(
            f"{shown(uri)} has no room in {part.parent}: {error.strerror}; MMF_CACHE names another "
            f"folder"
        ) from error
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()
