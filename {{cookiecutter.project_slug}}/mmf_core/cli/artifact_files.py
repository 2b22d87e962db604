"""What the commands for artifacts do to one of them: lock, push, pull, use."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from ..errors import ArtifactError, StoreError
from ..models import format_of, load_model
from ..models.provenance import made_with
from ..stores import Version, fetched, is_uri, join, lockfile, name_of, shown, source_of, store_of
from ..stores.digests import PACKED, packed, sha256_of, size_of
from ..stores.lockfile import Entry

MADE_WITH = "made-with"
"""How the library versions are called that go along with an object."""


def lock_file(file: str, trust: Iterable[str] = ()) -> Entry:
    """Write the entry of a file; ArtifactError if it is not there or cannot be read."""
    entries = lockfile.read()
    old = entries.get(file) or Entry("", 0)
    path = _fresh(file, old)
    found = format_of(path)
    new = Entry(
        sha256=sha256_of(path),
        size=size_of(path),
        format=found.suffixes[0].removeprefix(".") if found else path.suffix.removeprefix("."),
        source=file if is_uri(file) else old.source,
        trusted=tuple(sorted({*old.trusted, *trust})),
    )
    if new.sha256 == old.sha256:
        new = replace(new, version=old.version)
    if found:
        model = _model(path, new, needed=not found.runs_code)
        new = replace(new, made_with={"python": lockfile.installed("python"), **model})
    lockfile.write({**lockfile.read(), file: new})
    return new


def push_file(file: str, to: str = "") -> tuple[Entry, bool]:
    """Lock a file and upload it to `to`, MMF_ARTIFACTS or where it was; tell whether it was new."""
    if is_uri(file):
        raise ArtifactError(f"{shown(file)} is in a store already")
    entry = lock_file(file)
    uri = join(to, file) if to else source_of(file, replace(entry, source=_plain(entry.source)))
    if not uri:
        raise ArtifactError(f"{file}: where to? Give --to s3://bucket/prefix, or set MMF_ARTIFACTS")
    store = store_of(uri)
    with packed(Path(file)) as whole:
        uri += PACKED if whole != Path(file) else ""
        there = _stat(uri)
        known = {"sha256": entry.sha256, MADE_WITH: json.dumps(dict(entry.made_with))}
        is_new = there.sha256 != entry.sha256
        version = store.upload(whole, uri, known) if is_new else there
    entry = replace(entry, source=uri, version=_id(version))
    lockfile.write({**lockfile.read(), file: entry})
    return entry, is_new


def pull_file(file: str) -> bool:
    """Bring the locked file here, under its own name; tell whether it was another before."""
    if not (entry := lockfile.read().get(file)):
        raise ArtifactError(f"{shown(file)} is not in {lockfile.LOCK}: mmfmeta list shows what is")
    path = Path(file)
    if not is_uri(file) and path.exists() and sha256_of(path) == entry.sha256:
        return False
    if not (uri := source_of(file, entry)):
        raise ArtifactError(f"{file} is in no store: mmfmeta push, where it is, puts it into one")
    _put(fetched(file, uri, entry), path) if not is_uri(file) else fetched(file, uri, entry)
    return True


def use_version(file: str, version: str) -> Entry:
    """Lock another version of a file, by its id or the beginning of it, and bring it here."""
    entries = lockfile.read()
    uri = source_of(file, entries.get(file))
    if not uri:
        raise ArtifactError(f"{file} is in no store: mmfmeta push puts it into one")
    store = store_of(uri)
    ids = [one.id for one in store.versions(uri)]
    matching = [one for one in ids if one == version] or [
        one for one in ids if version and one.startswith(version)
    ]
    if len(matching) != 1:
        raise ArtifactError(
            f"{file}: {len(matching) or 'no'} versions begin with {version!r}: mmfmeta versions "
            f"{file} lists all"
        )
    found = store.stat(uri, matching[0])
    path = store.fetch(uri, replace(found, id=matching[0]), name_of(file))
    entry = replace(
        entries.get(file) or Entry("", 0, format=path.suffix.removeprefix(".")),
        sha256=found.sha256 or sha256_of(path),
        size=size_of(path),
        source=uri,
        version=matching[0],
        made_with=json.loads(found.metadata.get(MADE_WITH, "{}")),
    )
    lockfile.write({**entries, file: entry})
    pull_file(file)
    return entry


def _fresh(file: str, old: Entry) -> Path:
    """Return the path of what is to be locked."""
    if is_uri(file):
        store = store_of(file)
        return store.fetch(file, Version(id=old.version), name_of(file))
    if not Path(file).exists():
        raise ArtifactError.absent(Path(file))
    return Path(file)


def _model(path: Path, entry: Entry, *, needed: bool) -> dict[str, str]:
    """Return what a model was made with; nothing if only a loader's own code can load it."""
    try:
        return made_with(load_model(path, trusted=entry.trusted))
    except ArtifactError:
        if needed:
            raise
        return {}


def _stat(uri: str) -> Version:
    try:
        return store_of(uri).stat(uri)
    except StoreError:  # not there yet; whatever else it may be, the upload will tell
        return Version()


def _id(version: Version) -> str:
    return "" if version.id == "null" else version.id  # S3's word for a bucket that keeps none


def _plain(source: str) -> str:
    return source.removesuffix(PACKED)


def _put(found: Path, path: Path) -> None:
    """Put a copy in the place of `path`, in one step."""
    new = path.with_name(f".{path.name}.new")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        if found.is_dir():
            shutil.copytree(found, new)
            shutil.rmtree(path, ignore_errors=True)
        else:
            shutil.copyfile(found, new)
        new.replace(path)
    except OSError as error:
        shutil.rmtree(new) if new.is_dir() else new.unlink(missing_ok=True)
        raise StoreError(f"{path} cannot be written: {error.strerror}") from error
