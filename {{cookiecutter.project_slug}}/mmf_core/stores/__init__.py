"""Stores: where artifacts are kept that are not beside the code, by URI.

Each module `<kind>_store.py` here is one of them, found by being there. It has a `STORE`, or a
function `pointer_to` for a tool that tracks files beside the code. A project adds a store of its
own with `STORES.append(MyStore())`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from ..errors import ArtifactError
from ..fingerprints import Fingerprint, fingerprint
from ..packages import find_declared
from ..settings import Settings
from . import lockfile
from .base import Pointer
from .base import Store as Store
from .digests import TAR_SUFFIX
from .lockfile import Entry
from .objects import UNKNOWN
from .objects import Content as Content
from .objects import Version as Version
from .objects import redact_url as redact_url

STORES: list[Store] = list(find_declared(__name__, "STORE", "_store").values())
_POINTERS: list[Callable[[Path], Pointer | None]] = list(
    find_declared(__name__, "pointer_to", "_store").values()
)


class ResolvedArtifact(NamedTuple):
    """Where an artifact is on this machine, and its entry in the lock."""

    path: Path
    entry: Entry | None
    is_kept_with_code: bool
    warning: str = ""
    fingerprint: Fingerprint = ()

    @property
    def has_changed(self) -> bool:
        """Whether the file is not the one that was verified; a folder is not looked into."""
        return not self.path.exists() or fingerprint_of(self.path) != self.fingerprint


def resolve(file: str, sha256: str = "", folder: Path = Path()) -> ResolvedArtifact:
    """Return where an artifact of the project in `folder` is: there, else fetched from its store.

    ArtifactError if its checksum is not that of `artifacts.lock`, or `sha256`. The path of a file
    that is absent, and has no store, is returned unchanged.
    """
    entry = lockfile.read(folder / lockfile.LOCK).get(file)
    if entry and sha256 and entry.sha256 != sha256:
        raise ArtifactError(
            f"{redact_url(file)}: main.py expects sha256 {sha256}, but {lockfile.LOCK} has "
            f"{entry.sha256}"
        )
    expected = entry or (Entry(sha256, UNKNOWN) if sha256 else None)
    path = folder / file
    identity = fingerprint_of(path)  # before the content is read
    pointer = None if is_uri(file) else pointer_to(path)
    if not is_uri(file) and path.exists():
        if pointer:
            pointer.verify()
        if expected:
            expected.verify(path, file)
        is_elsewhere = pointer or (entry and entry.source)
        artifact = ResolvedArtifact(path, entry, not is_elsewhere, fingerprint=identity)
    elif uri := source_uri(file, entry):
        path = fetch_cached(file, uri, expected)
        warning = store_for(uri).warning(uri)
        identity = fingerprint_of(path)
        artifact = ResolvedArtifact(
            path, entry, is_kept_with_code=False, warning=warning, fingerprint=identity
        )
    elif pointer:
        pointer.pull()
        # As a file beside the code: verified by both checksums.
        return resolve(file, sha256, folder)
    else:
        return ResolvedArtifact(path, entry, is_kept_with_code=True)
    if entry:
        entry.compare_versions(redact_url(file))
    return artifact


def fingerprint_of(path: Path) -> Fingerprint:
    """Return a file's; () for a folder, in which loading a model may write."""
    return fingerprint(path) if path.is_file() else ()


def is_available(file: str) -> bool:
    """Return whether an artifact is beside the code or has a store; fetch nothing."""
    path = Path(file)
    return bool(path.exists() or source_uri(file, lockfile.read().get(file)) or pointer_to(path))


def fetch_cached(file: str, uri: str, entry: Entry | None) -> Path:
    """Return the path of an artifact's copy in the cache, fetched from `uri` if it is not there."""
    store = store_for(uri)
    expected = Version()
    if entry:
        version = entry.version if entry.source == uri else ""
        size = UNKNOWN if uri.endswith(TAR_SUFFIX) else entry.size
        expected = Version(id=version, size=size, sha256=entry.sha256)
    elif store.requires_checksum:
        raise ArtifactError(
            f"{redact_url(uri)} needs a checksum: mmf.artifact(…, sha256=…), or an entry in "
            f"{lockfile.LOCK} from mmfmeta lock {redact_url(file)}"
        )
    return store.fetch(uri, expected, file_name(file))


def recorded_version(path: Path) -> str:
    """Return the version that a store has recorded inside a copy; empty if none has."""
    return next(filter(None, (store.recorded_version(path) for store in STORES)), "")


def source_uri(file: str, entry: Entry | None = None) -> str:
    """Return an artifact's URI: its own, that under MMF_ARTIFACTS, or the lock's; empty if none."""
    if is_uri(file):
        return file
    source = entry.source if entry else ""
    if base := Settings.from_env().artifacts:
        return join(base, file) + (TAR_SUFFIX if source.endswith(TAR_SUFFIX) else "")
    return source


def join(base: str, file: str) -> str:
    """Return the URI of a file under `base`; a file outside of the project keeps its name only."""
    path = Path(file)
    name = path.name if path.is_absolute() or ".." in path.parts else path.as_posix()
    return f"{base.rstrip('/')}/{name if base.startswith('s3:') else quote(name)}"


def file_name(file: str) -> str:
    """Return the name of a file, or of the copy of a URI."""
    return unquote(redact_url(file).rstrip("/").rpartition("/")[2])


def store_for(uri: str) -> Store:
    """Return the store of a URI; ArtifactError lists the supported schemes."""
    for store in STORES:
        if store.accepts(uri):
            store.require(redact_url(uri))
            return store
    schemes = ", ".join(f"{scheme}:" for store in STORES for scheme in store.schemes)
    raise ArtifactError(f"{redact_url(uri)}: expected a URI with one of the schemes {schemes}")


def is_uri(file: str) -> bool:
    """Return whether it is a URI, and not a path; a single letter is a drive of Windows."""
    return bool(re.match(r"[A-Za-z][A-Za-z0-9+.-]+:/", file))


def pointer_to(path: Path) -> Pointer | None:
    """Return what a tool's file beside `path` records; None without such a file."""
    return next(filter(None, (find(path) for find in _POINTERS)), None)
