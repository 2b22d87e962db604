"""Objects in a store: one state of an object, and its bytes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from io import BufferedIOBase

UNKNOWN = -1
TRAINING = "training"
"""The key in a version's metadata of how the model was trained: metrics, note, time, as JSON."""


@dataclass(frozen=True)
class Version:
    """One state of an object.

    `id` is empty if the store keeps a single version. `size` is in bytes; it is UNKNOWN (-1), and
    `sha256` empty, if the store does not report them. `metadata` is what `upload` received;
    `etag` changes with the content.
    """

    id: str = ""
    size: int = UNKNOWN
    sha256: str = ""
    modified: str = ""
    etag: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Content:
    """An object's bytes from `start` on; `start` is 0 if the store does not support ranges."""

    file: BufferedIOBase
    version: Version
    start: int = 0


Opener = Callable[[str, int, str], Content]
"""`Store.open`: URI, first byte, version id."""


def redact_url(uri: str) -> str:
    """Return a URI that may be logged: a presigned URL's secret follows its `?`."""
    return uri.partition("?")[0] if uri.startswith("http") else uri
