"""What a store is: objects by URI, read from any byte on, and written as a whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BufferedIOBase
from pathlib import Path
from typing import ClassVar
from urllib.parse import urlsplit

from ..errors import StoreError
from ..packages import OptionalDependency

UNKNOWN = -1


@dataclass(frozen=True)
class Version:
    """One state of an object.

    `id` is empty where a store keeps one state only; `size` is UNKNOWN (-1) and `sha256` empty
    where it does not tell them. `metadata` is what `upload` was given; `tag` changes with the
    content.
    """

    id: str = ""
    size: int = UNKNOWN
    sha256: str = ""
    modified: str = ""
    tag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """An object's bytes from `start` on; `start` is 0 where a store knows no ranges."""

    file: BufferedIOBase
    version: Version
    start: int = 0


class Store(OptionalDependency, ABC):
    """A kind of place, known by its URI's scheme. Methods raise StoreError."""

    schemes: ClassVar[tuple[str, ...]]
    requires_checksum: ClassVar[bool] = False
    """Whether a file of unknown sha256 is refused: nobody vouches for what comes."""

    def takes(self, uri: str) -> bool:
        """Whether a URI is of this store."""
        return urlsplit(uri).scheme in self.schemes

    @abstractmethod
    def open(self, uri: str, start: int = 0, version: str = "") -> Content:
        """Open an object at byte `start`; reading may raise OSError or HTTPException."""

    def stat(self, uri: str, version: str = "") -> Version:
        """Return what is known of an object."""
        # Not HEAD: its answer has no body that says what is wrong, and a presigned URL refuses it.
        content = self.open(uri, 0, version)
        content.file.close()
        return content.version

    def fetch(self, uri: str, wanted: Version, name: str) -> Path:
        """Return the path of an object's copy on this machine; `wanted` is what it must be."""
        from .cache import fetch  # it knows what a Store is

        return fetch(self, uri, wanted, name)

    def note(self, uri: str) -> str:
        """Return what an operator should know of the copy; mostly nothing."""
        return ""

    def upload(self, path: Path, uri: str, metadata: Mapping[str, str]) -> Version:
        """Write a file; who reads meanwhile gets the old or the new one, never a part."""
        scheme = self.schemes[0]
        raise StoreError(f"{uri}: {scheme}: can be read only; push to s3:// or file://")

    def versions(self, uri: str) -> list[Version]:
        """Return what is kept of an object, newest first."""
        return [self.stat(uri)]


def shown(uri: str) -> str:
    """Return a URI as it may be told: what follows a `?` may be a presigned URL's secret."""
    return uri.partition("?")[0] if uri.startswith("http") else uri
