"""Contents, entries of the lock, and what is in the cache."""

import random
from hashlib import sha256
from pathlib import Path

from mmf_core.stores import Version, lockfile
from mmf_core.stores.lockfile import Entry

MIB = 1024 * 1024


def some_bytes(size: int, seed: int = 0) -> bytes:
    """Return bytes of which no two places have the same."""
    return random.Random(seed).randbytes(size)


def checksum(content: bytes) -> str:
    """Return a sha256."""
    return sha256(content).hexdigest()


def lock(content: bytes, uri: str, version: Version | None = None) -> None:
    """Lock `model.bin` as what is, or should be, in a store."""
    entry = Entry(
        checksum(content), len(content), source=uri, version=version.id if version else ""
    )
    lockfile.write({"model.bin": entry})


def cached(folder: Path) -> list[str]:
    """Return the names of what the cache holds, parts among it."""
    return sorted(file.name for file in folder.parent.glob("cache/*/*"))
