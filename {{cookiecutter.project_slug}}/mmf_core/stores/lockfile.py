"""`artifacts.lock`, beside main.py: which files the artifacts are, by sum, and their store.

JSON, an entry for each artifact by the name under which it is declared, sorted: made to be
committed and compared. `mmfmeta lock` and `push` write it.
"""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ..errors import ArtifactError
from .digests import sha256_of, size_of

LOCK = Path("artifacts.lock")
_trusting: list[bool] = []
_log = logging.getLogger("mmf.artifacts")


@dataclass(frozen=True)
class Entry:
    """What is known of one artifact.

    `source` and `version`: the URI that it was pushed to, and the store's own id of that state.
    `made_with`: versions by package. `trusted`: types that skops may make beyond its own.
    """

    sha256: str
    size: int
    format: str = ""
    source: str = ""
    version: str = ""
    made_with: Mapping[str, str] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()

    def verify(self, path: Path, name: str) -> None:
        """Raise ArtifactError, with both sums, unless `path` is the file that is locked."""
        if _trusting:
            return
        size = size_of(path)
        found = sha256_of(path)
        if found != self.sha256:
            raise ArtifactError(
                f"{name} is not the file of {LOCK}: the sha256 of these {size} bytes is {found}, "
                f"and {self.sha256} of {self.size} bytes is locked. If the new file is right: "
                f"mmfmeta lock; to get the locked one back from its store: mmfmeta pull"
            )

    def compare_versions(self, name: str) -> None:
        """Warn of every library that has another version here than where the file was made."""
        for package, wanted in self.made_with.items():
            if (found := installed(package)) != wanted:
                _log.warning(
                    "%s was made with %s %s, and here is %s: it may fail or answer otherwise; "
                    "install %s==%s, or train it again and run mmfmeta lock",
                    *(name, package, wanted, found or "none", package, wanted),
                )


@contextmanager
def unchecked() -> Iterator[None]:
    """Take every file for the right one while the block runs: what is made anew is locked then."""
    _trusting.append(True)
    try:
        yield
    finally:
        _trusting.pop()


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
    """Return the entries by artifact; none if there is no such file."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return {}
    try:
        parts = json.loads(text)
        return {name: _entry(**part) for name, part in parts.items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ArtifactError(
            f"{path} cannot be read: {error}; take it from version control, or make it again by "
            f"mmfmeta lock after removing it"
        ) from error


def write(entries: Mapping[str, Entry], path: Path = LOCK) -> None:
    """Replace the file; what is empty is left out."""
    parts = {
        name: {key: part for key, part in asdict(entry).items() if part}
        for name, entry in entries.items()
    }
    text = json.dumps(parts, ensure_ascii=False, indent=2, sort_keys=True)
    new = path.with_name(f".{path.name}.new")
    new.write_text(text + "\n", encoding="utf-8")
    new.replace(path)


def _entry(**parts: object) -> Entry:
    kinds = {"sha256": str, "size": int, "made_with": dict, "trusted": list}
    for name, part in parts.items():
        if not isinstance(part, kinds.get(name, str)):
            raise TypeError(f"{name} is of another type")
    parts["trusted"] = tuple(parts.get("trusted", ()))  # type: ignore[arg-type] # a list
    return Entry(**parts)  # type: ignore[arg-type] # just looked at
