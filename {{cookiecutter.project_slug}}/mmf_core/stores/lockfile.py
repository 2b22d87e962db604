"""`artifacts.lock`, beside main.py: the checksum, versions and store of each artifact.

JSON, sorted, one entry per artifact by its declared name: meant to be committed and compared.
`mmfmeta lock` and `push` write it.
"""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import ArtifactError
from ..text_files import replace_text
from .digests import is_sha256, sha256_of, size_of

LOCK = Path("artifacts.lock")
_unverified: list[bool] = []
_log = logging.getLogger("mmf.artifacts")


@dataclass(frozen=True)
class Entry:
    """What the lock records about one artifact; `size` is in bytes.

    `source` and `version`: the URI that it was pushed to, and the store's own id of that version.
    `made_with`: versions by package. `trusted`: types that skops may load beyond its own.
    `training`: what is known of a model that the service has trained, see `mmf_core.retraining`.
    """

    sha256: str
    size: int
    format: str = ""
    source: str = ""
    version: str = ""
    made_with: Mapping[str, str] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    training: Mapping[str, Any] = field(default_factory=dict)

    def verify(self, path: Path, name: str) -> None:
        """Raise ArtifactError, with both checksums, unless `path` is the locked file."""
        if _unverified:
            return
        actual = sha256_of(path)
        if actual != self.sha256:
            raise ArtifactError(
                f"{name}: expected sha256 {self.sha256} ({self.size} bytes) from {LOCK}, got "
                f"{actual} ({size_of(path)} bytes). If the new file is right: mmfmeta lock; to "
                f"restore the locked one from its store: mmfmeta pull"
            )

    def compare_versions(self, name: str) -> None:
        """Warn about every library whose version differs from the one the file was saved with."""
        for package, saved in self.made_with.items():
            if (current := installed(package)) != saved:
                _log.warning(
                    "%s was saved with %s %s but %s is installed; it may fail or predict "
                    "differently: install %s==%s, or train again and run mmfmeta lock",
                    *(name, package, saved, current or "none", package, saved),
                )


@contextmanager
def unverified() -> Iterator[None]:
    """Accept every file in the block: one that was trained again is locked afterwards."""
    _unverified.append(True)
    try:
        yield
    finally:
        _unverified.pop()


def installed(package: str) -> str:
    """Return the version of a package, or of Python without its last part; empty if absent."""
    from importlib.metadata import PackageNotFoundError, version

    if package == "python":
        return ".".join(platform.python_version_tuple()[:2])
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def read(path: Path = LOCK) -> dict[str, Entry]:
    """Return the entries by artifact; empty if the file is absent."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        return {name: _entry(**fields) for name, fields in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"cannot read {path}: {error}; restore it from version control, or remove it and run "
            f"mmfmeta lock"
        ) from error


def write(entries: Mapping[str, Entry], path: Path = LOCK) -> None:
    """Replace the file; empty fields are left out."""
    fields = {
        name: {key: value for key, value in asdict(entry).items() if value}
        for name, entry in entries.items()
    }
    text = json.dumps(fields, ensure_ascii=False, indent=2, sort_keys=True)
    replace_text(path, text + "\n")


def _entry(**fields: object) -> Entry:
    types = {"sha256": str, "size": int, "made_with": dict, "trusted": list, "training": dict}
    for name, value in fields.items():
        expected = types.get(name, str)
        if not isinstance(value, expected):
            raise TypeError(f"{name}: expected {expected.__name__}, got {type(value).__name__}")
    if not is_sha256(str(fields.get("sha256", ""))):
        raise ValueError(f"sha256: expected 64 hexadecimal digits, got {fields.get('sha256')!r}")
    fields["trusted"] = tuple(fields.get("trusted", ()))  # type: ignore[arg-type] # a list
    return Entry(**fields)  # type: ignore[arg-type] # checked above
