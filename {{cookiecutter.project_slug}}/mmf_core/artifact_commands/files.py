"""Lock, push, pull or use one artifact: the work behind the commands."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import ArtifactError, StoreError
from ..models import format_of, load_model
from ..models.provenance import made_with
from ..stores import (
    Version,
    fetch_cached,
    file_name,
    is_uri,
    join,
    lockfile,
    pointer_to,
    redact_url,
    source_uri,
    store_for,
)
from ..stores.digests import TAR_SUFFIX, sha256_of, single_file, size_of
from ..stores.lockfile import Entry
from ..stores.objects import TRAINING

MADE_WITH = "made-with"
"""The metadata key of the library versions that are stored with an object."""


def lock_file(file: str, trust: Iterable[str] = ()) -> Entry:
    """Write the entry of a file; ArtifactError if it is missing or cannot be read."""
    old = lockfile.read().get(file) or Entry("", 0)
    new = entry_of(file, _path_to_lock(file, old), old, trust)
    lockfile.write({**lockfile.read(), file: new})
    return new


def entry_of(file: str, path: Path, old: Entry, trust: Iterable[str] = ()) -> Entry:
    """Return the entry of a file whose content is at `path`; ArtifactError if it cannot be read."""
    model_format = format_of(path)
    new = Entry(
        sha256=sha256_of(path),
        size=size_of(path),
        format=(model_format.suffixes[0] if model_format else path.suffix).removeprefix("."),
        source=file if is_uri(file) else old.source,
        trusted=tuple(sorted({*old.trusted, *trust})),
    )
    if new.sha256 == old.sha256:
        new = replace(new, version=old.version, training=old.training)
    if model_format:
        libraries = _libraries(path, new, required=not model_format.runs_code)
        new = replace(new, made_with={"python": lockfile.installed("python"), **libraries})
    return new


def push_file(file: str, to: str = "") -> tuple[Entry, bool]:
    """Lock a file and upload it to `to`, MMF_ARTIFACTS or its old store; return if it is new."""
    if is_uri(file):
        raise ArtifactError(f"{redact_url(file)} is already in a store")
    entry = lock_file(file)
    uri = join(to, file) if to else destination(file, entry)
    if not uri:
        raise ArtifactError(
            f"{file}: no destination; use --to s3://bucket/prefix, or set MMF_ARTIFACTS"
        )
    entry, is_new = upload(entry, Path(file), uri)
    lockfile.write({**lockfile.read(), file: entry})
    return entry, is_new


def destination(file: str, entry: Entry) -> str:
    """Return the URI to which a file is uploaded by default; empty if it has no store."""
    return source_uri(file, replace(entry, source=entry.source.removesuffix(TAR_SUFFIX)))


def upload(entry: Entry, path: Path, uri: str) -> tuple[Entry, bool]:
    """Upload what is at `path`; return its entry there, and whether it is new."""
    with single_file(path) as file:
        uri += TAR_SUFFIX if file != path else ""
        metadata = {"sha256": entry.sha256, MADE_WITH: json.dumps(dict(entry.made_with))}
        if entry.training:
            metadata[TRAINING] = json.dumps(dict(entry.training))
        stored = stat(uri)
        is_new = stored.sha256 != entry.sha256
        version = store_for(uri).upload(file, uri, metadata) if is_new else stored
    return replace(entry, source=uri, version=_id(version)), is_new


def pull_file(file: str) -> bool:
    """Fetch the locked file to its own place; return whether it has changed."""
    if not (entry := lockfile.read().get(file)):
        raise ArtifactError(
            f"{redact_url(file)} is not in {lockfile.LOCK}; mmfmeta list shows its entries"
        )
    path = Path(file)
    if not is_uri(file) and path.exists() and sha256_of(path) == entry.sha256:
        return False
    if not (uri := source_uri(file, entry)):
        raise ArtifactError(f"{file} is not in a store; upload it with mmfmeta push where it is")
    copy = fetch_cached(file, uri, entry)
    if not is_uri(file):
        with replaced(path, copy):
            pass
    return True


def use_version(file: str, version: str) -> Entry:
    """Lock another version of a file, by its id or the beginning of it, and fetch it."""
    entries = lockfile.read()
    uri = source_uri(file, entries.get(file))
    if not uri and pointer_to(Path(file)):
        raise ArtifactError(
            f"{file} is tracked by DVC; go back with git checkout {version} -- {file}.dvc && dvc "
            f"checkout {file}"
        )
    if not uri:
        raise ArtifactError(f"{file} is not in a store; upload it with mmfmeta push")
    store = store_for(uri)
    version_id = _match(file, version, [stored.id for stored in store.versions(uri)])
    stored = store.stat(uri, version_id)
    path = store.fetch(uri, replace(stored, id=version_id), file_name(file))
    entry = replace(
        entries.get(file) or Entry("", 0, format=path.suffix.removeprefix(".")),
        sha256=stored.sha256 or sha256_of(path),
        size=size_of(path),
        source=uri,
        version=version_id,
        made_with=json.loads(stored.metadata.get(MADE_WITH, "{}")),
        training=training_of(stored),
    )
    lockfile.write({**entries, file: entry})
    pull_file(file)
    return entry


def _match(file: str, version: str, ids: list[str]) -> str:
    """Return the only id that equals `version` or begins with it."""
    if version in ids:
        return version
    matches = [stored_id for stored_id in ids if version and stored_id.startswith(version)]
    if len(matches) != 1:
        raise ArtifactError(
            f"{file}: expected one version that begins with {version!r}, got {len(matches)}; "
            f"mmfmeta versions {file} lists all"
        )
    return matches[0]


def _path_to_lock(file: str, old: Entry) -> Path:
    """Return the path of the file to lock, fetched if it is in a store."""
    if is_uri(file):
        return store_for(file).fetch(file, Version(id=old.version), file_name(file))
    if not Path(file).exists():
        raise ArtifactError.absent(Path(file))
    return Path(file)


def _libraries(path: Path, entry: Entry, *, required: bool) -> dict[str, str]:
    """Return the library versions of a model; empty if only a loader's own code can load it."""
    try:
        return made_with(load_model(path, trusted=entry.trusted))
    except ArtifactError:
        if required:
            raise
        return {}


def stat(uri: str) -> Version:
    """Return what is in a store; an empty version if nothing is."""
    try:
        return store_for(uri).stat(uri)
    except StoreError:  # not there yet; the upload reports any other reason
        return Version()


def training_of(stored: Version) -> dict[str, Any]:
    """Return what is known of the training of a version in a store; empty if nothing is."""
    training: dict[str, Any] = json.loads(stored.metadata.get(TRAINING, "{}"))
    return training


def _id(version: Version) -> str:
    return "" if version.id == "null" else version.id  # S3's id in a bucket without versions


@contextmanager
def replaced(path: Path, source: Path) -> Iterator[None]:
    """Replace `path` by a copy of `source` in one step, after the block, if that succeeds.

    StoreError if the disk is full; `path` is unchanged then.
    """
    new = path.with_name(f".{path.name}.new")
    try:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            _remove(new)  # of a process that was killed
            (shutil.copytree if source.is_dir() else shutil.copyfile)(source, new)
        except OSError as error:
            raise StoreError(f"cannot write {path}: {error.strerror}") from error
        yield
        if source.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        new.replace(path)
    finally:
        _remove(new)


def _remove(path: Path) -> None:
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
