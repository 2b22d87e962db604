"""Where artifacts live: beside the code, or in a store, by URI. One small module for each store.

A new store is one subclass of `Store` and one line, `STORES.append(Mine())`.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple
from urllib.parse import quote, unquote

from ..errors import ArtifactError
from ..settings import Settings
from . import dvc, lockfile
from .base import UNKNOWN
from .base import Content as Content
from .base import Store as Store
from .base import Version as Version
from .base import shown as shown
from .digests import PACKED
from .file_store import FileStore
from .https_store import HttpsStore
from .lockfile import Entry
from .mlflow_store import MlflowStore
from .s3_store import S3Store

STORES: list[Store] = [FileStore(), HttpsStore(), MlflowStore(), S3Store()]


class Place(NamedTuple):
    """Where an artifact is found on this machine, and what the lock says of it."""

    path: Path
    entry: Entry | None
    is_kept_with_code: bool
    note: str = ""


def locate(file: str, sha256: str = "") -> Place:
    """Return where an artifact is: beside the code, else fetched from its store.

    ArtifactError if it is not the file of `artifacts.lock`, or of `sha256`. The path of a file that
    is nowhere, and for which there is no store, is returned as it is.
    """
    entry = lockfile.read().get(file)
    if entry and sha256 and entry.sha256 != sha256:
        raise ArtifactError(
            f"{shown(file)}: main.py expects sha256 {sha256}, but {lockfile.LOCK} has "
            f"{entry.sha256}"
        )
    expected = entry or (Entry(sha256, UNKNOWN) if sha256 else None)
    path = Path(file)
    pointer = None if is_uri(file) else dvc.pointer_to(path)
    if not is_uri(file) and path.exists():
        if pointer:
            pointer.verify()
        if expected:
            expected.verify(path, file)
        is_elsewhere = pointer or (entry and entry.source)
        place = Place(path, entry, is_kept_with_code=not is_elsewhere)
    elif uri := source_of(file, entry):
        path = fetched(file, uri, expected)
        place = Place(path, entry, is_kept_with_code=False, note=store_of(uri).note(uri))
    elif pointer:
        pointer.pull()
        place = Place(path, entry, is_kept_with_code=False)
    else:
        return Place(path, entry, is_kept_with_code=True)
    if entry:
        entry.compare_versions(shown(file))
    return place


def fetched(file: str, uri: str, expected: Entry | None) -> Path:
    """Return the path of an artifact's copy in the cache, fetched from `uri` if it is not there."""
    store = store_of(uri)
    wanted = Version()
    if expected:
        version = expected.version if expected.source == uri else ""
        size = UNKNOWN if uri.endswith(PACKED) else expected.size
        wanted = Version(id=version, size=size, sha256=expected.sha256)
    elif store.requires_checksum:
        raise ArtifactError(
            f"{shown(uri)} is taken by its sum only: mmf.artifact(…, sha256=…), or an entry in "
            f"{lockfile.LOCK} by mmfmeta lock {shown(file)}"
        )
    return store.fetch(uri, wanted, name_of(file))


def source_of(file: str, entry: Entry | None = None) -> str:
    """Return the URI of an artifact: its own, MMF_ARTIFACTS/file, or that of the lock, or none."""
    if is_uri(file):
        return file
    source = entry.source if entry else ""
    if base := Settings.from_env().artifacts:
        return join(base, file) + (PACKED if source.endswith(PACKED) else "")
    return source


def join(base: str, file: str) -> str:
    """Return the URI of a file under `base`; of one in another folder it has the name only."""
    path = Path(file)
    name = path.name if path.is_absolute() or ".." in path.parts else path.as_posix()
    return f"{base.rstrip('/')}/{name if base.startswith('s3:') else quote(name)}"


def name_of(file: str) -> str:
    """Return the name that a file has, or its copy if it is a URI."""
    return unquote(shown(file).rstrip("/").rpartition("/")[2])


def store_of(uri: str) -> Store:
    """Return the store of a URI; ArtifactError lists the schemes that there are."""
    for store in STORES:
        if store.takes(uri):
            store.require(shown(uri))
            return store
    known = ", ".join(f"{scheme}:" for store in STORES for scheme in store.schemes)
    raise ArtifactError(f"{shown(uri)}: a store is known by its scheme: {known}")


def is_uri(file: str) -> bool:
    """Whether it is in a store, and not a path."""
    return "://" in file or file.startswith(tuple(f"{one}:/" for one in MlflowStore.schemes))
