"""File contents, lockfile entries and the contents of the cache."""

import random
from hashlib import sha256
from pathlib import Path

from mmf_core.stores import Version, lockfile
from mmf_core.stores.lockfile import Entry

MIB = 1024 * 1024


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Return random bytes."""
    return random.Random(seed).randbytes(size)


def checksum(content: bytes) -> str:
    """Return a sha256."""
    return sha256(content).hexdigest()


def lock(content: bytes, uri: str, version: Version | None = None) -> None:
    """Add `model.bin` to the lockfile, as stored or expected in a store."""
    entry = Entry(
        checksum(content), len(content), source=uri, version=version.id if version else ""
    )
    lockfile.write({"model.bin": entry})


def cached(folder: Path) -> list[str]:
    """Return the names of the cached files, including parts."""
    return sorted(file.name for file in folder.parent.glob("cache/*/*"))
