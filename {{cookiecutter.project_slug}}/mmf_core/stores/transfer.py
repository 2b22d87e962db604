"""Downloads: resumed after a broken connection, verified, and renamed only when complete."""

from __future__ import annotations

import errno
import hashlib
import logging
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.client import HTTPException
from pathlib import Path
from time import monotonic
from typing import IO

from ..errors import StoreError
from ..settings import MIB, Settings
from .digests import TAR_SUFFIX, extract_tar, sha256_of
from .objects import UNKNOWN, Content, Opener, Version, redact_url
from .over_http import RANGE_NOT_SATISFIABLE, HTTPStatusError, connection_error
from .progress import Progress

CHUNK = MIB
MIN_SPEED, MIN_SPEED_AFTER = 1024, 60
"""The minimum bytes a second from a server, and the seconds over which they are averaged."""
DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_log = logging.getLogger("mmf.stores")


class _Part:
    """The bytes of an object received so far, and their checksum."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        file.seek(0)
        self.digest = hashlib.file_digest(file, "sha256")  # type: ignore[arg-type]
        self.size = file.tell()

    def add(self, chunk: bytes) -> None:
        self.file.write(chunk)
        self.digest.update(chunk)
        self.size += len(chunk)

    def restart(self) -> None:
        self.file.truncate(0)
        self.digest = hashlib.sha256()
        self.size = 0


def download(open_object: Opener, uri: str, target: Path, expected: Version) -> None:
    """Write the object to `target`, in one step at the end.

    Until then its bytes are in `target.part`, from which the next attempt resumes: give a target
    whose path depends on the version. StoreError if size or sha256 differ from `expected`.
    """
    path = target.with_name(f"{target.name}.part")
    with _disk_errors(uri, path):
        target.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+b") as file:
            part = _Part(file)
            _fill(part, open_object, uri, expected)
        if expected.sha256 and part.digest.hexdigest() != expected.sha256:
            path.unlink()
            raise checksum_error(uri, expected.sha256, part.digest.hexdigest())
        path.replace(target)


def download_folder(open_object: Opener, uri: str, target: Path, expected: Version) -> None:
    """Write the folder that is stored as a `.tar` to `target`, in one step at the end.

    StoreError if the folder's sha256 differs from `expected`.
    """
    archive = target.with_name(target.name + TAR_SUFFIX)
    new = target.with_name(f"{target.name}.new")
    download(open_object, uri, archive, Version(id=expected.id))
    for folder in (new, target):
        shutil.rmtree(folder, ignore_errors=True)
    try:
        with _disk_errors(uri, archive):
            extract_tar(archive, new)
    except (StoreError, ValueError) as error:
        shutil.rmtree(new, ignore_errors=True)
        archive.unlink(missing_ok=True)
        if isinstance(error, StoreError):
            raise
        raise StoreError(f"{redact_url(uri)}: cannot be extracted: {error}") from error
    archive.unlink()
    if expected.sha256 and expected.sha256 != (actual := sha256_of(new)):
        shutil.rmtree(new)
        raise checksum_error(uri, expected.sha256, actual)
    new.replace(target)


def checksum_error(uri: str, expected: str, actual: str) -> StoreError:
    """Return the error for content that is not the expected one."""
    return StoreError(
        f"{redact_url(uri)}: expected sha256 {expected}, got {actual}; the download was discarded"
    )


def _fill(part: _Part, open_object: Opener, uri: str, expected: Version) -> None:
    if part.size > expected.size != UNKNOWN:
        part.restart()
    total, limit = expected.size, _max_size(expected)
    name = redact_url(uri)
    if part.size:
        _log.info("%s: resuming after %.1f MiB", name, part.size / MIB)
    progress = Progress(name, total, part.size)
    while part.size != total:
        before = part.size
        content = _open(part, open_object, uri, expected)
        with closing(content.file):
            total = progress.total = content.version.size
            _check_disk_space(part, total)
            connection_lost = _copy(content, part, limit, progress)
        if part.size > limit:
            part.restart()
            raise StoreError(f"{name} has more than the expected {limit} bytes")
        if not connection_lost and total in {UNKNOWN, part.size}:
            break
        if part.size <= before:  # another attempt would bring nothing either
            raise connection_lost or StoreError(
                f"{name} ends after {part.size} of {total} bytes; is it complete in its store?"
            )
        _log.warning("%s: connection lost after %d bytes, resuming", name, part.size)
    progress.end(part.size)


def _open(part: _Part, open_object: Opener, uri: str, expected: Version) -> Content:
    """Open the object where `part` ends; at its beginning if it cannot be opened there."""
    try:
        content = open_object(uri, part.size, expected.id)
    except HTTPStatusError as error:
        if error.code != RANGE_NOT_SATISFIABLE or not part.size:
            raise
        part.restart()
        content = open_object(uri, 0, expected.id)
    size = content.version.size
    if UNKNOWN not in {size, expected.size} and size != expected.size:
        content.file.close()
        raise StoreError(
            f"{redact_url(uri)}: expected {expected.size} bytes, got {size}: it is truncated or "
            f"another file; push it again"
        )
    if content.start not in {0, part.size}:
        content.file.close()
        raise StoreError(f"{redact_url(uri)}: requested byte {part.size}, got {content.start}")
    if content.start != part.size:  # the server does not support ranges
        part.restart()
    return content


def _max_size(expected: Version) -> int:
    """Return the size that no download exceeds, whatever its server sends; the cache's if any."""
    if expected.size != UNKNOWN:
        return expected.size
    return int(Settings.from_env().max_cache)


def _copy(content: Content, part: _Part, limit: int, progress: Progress) -> StoreError | None:
    """Read to the end or one chunk too far; return the error of a connection that breaks."""
    began, at_first = monotonic(), part.size
    while part.size != content.version.size and part.size <= limit:
        if (seconds := monotonic() - began) > MIN_SPEED_AFTER:
            if part.size - at_first < MIN_SPEED * seconds:
                raise StoreError(f"{progress.name}: slower than {MIN_SPEED} bytes a second")
            began, at_first = monotonic(), part.size
        try:
            chunk = content.file.read1(CHUNK)  # keeps what has arrived if nothing more does
        except (OSError, HTTPException) as error:
            return connection_error(progress.name, error)
        if not chunk:
            break
        part.add(chunk)
        progress(part.size)
    return None


def _check_disk_space(part: _Part, total: int) -> None:
    folder = Path(part.file.name).parent
    if total - part.size > shutil.disk_usage(folder).free:
        raise OSError(errno.ENOSPC, "No space left on device")


@contextmanager
def _disk_errors(uri: str, part: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in DISK_FULL:
            raise StoreError(f"cannot write {part}: {error.strerror or error}") from error
        part.unlink(missing_ok=True)  # gives the space back
        raise StoreError(
            f"{redact_url(uri)} does not fit in {part.parent}: {error.strerror}; free some space, "
            f"or set MMF_CACHE to another folder"
        ) from error
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()
