"""The interface of a store: objects by URI, read from any byte on, and written as a whole."""

from __future__ import annotations

import hashlib
import logging
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from ..errors import StoreError
from ..packages import OptionalDependency
from . import cache
from .digests import TAR_SUFFIX
from .objects import Content, Version, redact_url
from .transfer import download, download_folder

_log = logging.getLogger("mmf.stores")


class Store(OptionalDependency, ABC):
    """A kind of store, recognised by the scheme of its URIs. Methods raise StoreError."""

    schemes: ClassVar[tuple[str, ...]]
    requires_checksum: ClassVar[bool] = False
    """Whether a file of unknown sha256 is refused, since nobody vouches for the content."""

    def accepts(self, uri: str) -> bool:
        """Return whether a URI belongs to this store."""
        return urlsplit(uri).scheme in self.schemes

    @abstractmethod
    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        """Open an object at byte `start`; reading may raise OSError or HTTPException."""

    def stat(self, uri: str, version: str = "") -> Version:
        """Return an object's size, checksum and version, as far as the store reports them."""
        # Not HEAD: its response has no body to explain an error, and a presigned URL refuses it.
        content = self.open(uri, 0, version)
        content.file.close()
        return content.version

    def fetch(self, uri: str, expected: Version, name: str) -> Path:
        """Return the path of an object's verified copy in the cache, called `name`.

        An object named `….tar` is extracted unless `name` ends in .tar, too; the checksum is then
        that of the folder. Without `expected.sha256` the store's own is used, and without either
        a warning is logged.
        """
        if not expected.sha256:
            expected = self._current(uri, expected)
        identity = f"{uri} {expected.id} {expected.etag}"
        key = expected.sha256 or hashlib.sha256(identity.encode()).hexdigest()
        target = cache.path_of(key, name)
        is_archive = uri.endswith(TAR_SUFFIX) and not name.endswith(TAR_SUFFIX)
        fetch = download_folder if is_archive else download
        return cache.ensure_cached(
            target, redact_url(uri), expected, lambda: fetch(self.open, uri, target, expected)
        )

    def warning(self, uri: str) -> str:
        """Return what an operator should know about the copy, such as its age; usually nothing."""
        return ""

    def recorded_version(self, path: Path) -> str:
        """Return the version that this store has recorded inside a copy; empty if it has not."""
        return ""

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        """Write a file; a concurrent reader gets the old or the new one, never a part."""
        raise StoreError(f"{uri}: {self.schemes[0]}: is read-only; push to s3:// or file://")

    def delete(self, uri: str) -> None:
        """Delete an object, if it is there."""
        raise StoreError(f"{uri}: {self.schemes[0]}: deletes nothing; use s3://")

    def versions(self, uri: str) -> list[Version]:
        """Return the versions of an object, newest first."""
        return [self.stat(uri)]

    def _current(self, uri: str, expected: Version) -> Version:
        version = self.stat(uri, expected.id)
        if not version.sha256:
            _log.warning(
                "%s: its sha256 is unknown, so the content is not verified; run mmfmeta lock",
                redact_url(uri),
            )
        return replace(version, id=expected.id or version.id)


class Pointer(Protocol):
    """A small file beside the code that says which file a tool keeps, as DVC's `.dvc` files do."""

    def verify(self) -> None:
        """Raise ArtifactError, with both checksums, unless the file is the recorded one."""

    def pull(self) -> None:
        """Fetch the file to its place beside the code; the caller verifies it."""

    def versions(self) -> list[Version]:
        """Return the versions that were recorded, newest first; StoreError without a history."""

    @property
    def etag(self) -> str:
        """The `Version.etag` of the recorded file."""
