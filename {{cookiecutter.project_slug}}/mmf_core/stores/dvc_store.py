"""Files kept by DVC: `model.joblib.dvc` beside the code records which one, and dvc fetches it.

Its versions are the commits that have changed the `.dvc` file, with the metrics of each commit.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from ..errors import ArtifactError, StoreError
from ..packages import OptionalDependency
from ..settings import Settings
from .cache import FETCHING, WAITING, exclusive_lock, folder
from .objects import TRAINING, UNKNOWN, Version

# dvc writes `- md5: …`; that of a folder ends with `.dir` and is the checksum of a listing.
MD5 = re.compile(r"^\s*(?:- )?md5:\s*['\"]?([0-9a-f]{32})(\.dir)?['\"]?\s*$", re.MULTILINE)
SIZE = re.compile(r"^\s*(?:- )?size:\s*(\d+)\s*$", re.MULTILINE)
LOG = "--format=%H%x09%h%x09%cI%x09%s"
DVC = (sys.executable, "-m", "dvc")
WORKSPACE = "workspace"
"""The revision by which dvc reports metrics of files that are not committed."""
TIMEOUTS = 60
"""How many times MMF_STORE_TIMEOUT `dvc pull` may take: it reports no progress."""


class _Dvc(OptionalDependency):
    requires: ClassVar = {"dvc": "dvc"}


@dataclass(frozen=True)
class DvcPointer:
    """The content of a `.dvc` file about the file beside it; `md5` is empty for a folder."""

    path: Path
    md5: str

    @property
    def file(self) -> Path:
        """The `.dvc` file."""
        return self.path.with_name(f"{self.path.name}.dvc")

    def pull(self) -> None:
        """Have dvc fetch the file from its remote, one process at a time; it is not verified."""
        _Dvc().require(f"{self.path}, which is tracked by {self.file.name},")
        key = hashlib.sha256(str(self.file.absolute()).encode()).hexdigest()
        with exclusive_lock(folder() / key, FETCHING, WAITING % self.path):
            if not self.path.exists():
                self._run_dvc()

    def verify(self) -> None:
        """Raise ArtifactError, with both checksums, unless the file is the recorded one."""
        if not self.md5:
            return
        with self.path.open("rb") as file:
            actual = hashlib.file_digest(file, _md5).hexdigest()
        if actual != self.md5:
            raise ArtifactError(
                f"{self.path}: expected md5 {self.md5} from {self.file.name}, got {actual}. If the "
                f"new file is right: dvc add {self.path}; to restore the recorded one: dvc "
                f"checkout {self.path}"
            )

    @property
    def etag(self) -> str:
        """The checksum, that of a listing for a folder."""
        return _etag(self.file.read_text(encoding="utf-8"))

    def versions(self) -> list[Version]:
        """Return the commits of the `.dvc` file, newest first; StoreError without git or dvc.

        A file that is not committed precedes them, without an id.
        """
        _Dvc().require(f"listing the versions of {self.path}, which DVC tracks,")
        listing = self._output("git", "log", "--diff-filter=ACMRT", LOG, "--", self.file.name)
        metrics = json.loads(self._output(*DVC, "metrics", "show", "--all-commits", "--json"))
        versions = []
        for line in listing.splitlines():
            commit, short, at, subject = line.split("\t", 3)
            text = self._output("git", "show", f"{commit}:./{self.file.name}")
            versions.append(_version(text, short, metrics.get(commit), at=at, note=subject))
        if self.etag not in {version.etag for version in versions}:
            text = self.file.read_text(encoding="utf-8")
            versions.insert(0, _version(text, "", metrics.get(WORKSPACE), note="not committed"))
        return versions

    def _run_dvc(self) -> None:
        process = self._run([*DVC, "pull", str(self.file)], Path())
        if process.returncode or not self.path.exists():
            raise StoreError(f"dvc pull {self.file} failed: {_message(process)}")

    def _output(self, *command: str) -> str:
        process = self._run(command, self.file.parent)
        if process.returncode:
            raise StoreError(
                f"the versions of {self.path} are in git's history, which cannot be read: "
                f"{_message(process)}"
            )
        return process.stdout

    def _run(self, command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
        seconds = TIMEOUTS * Settings.from_env().store_timeout
        try:
            return subprocess.run(
                command, cwd=folder, capture_output=True, text=True, check=False, timeout=seconds
            )
        except FileNotFoundError:
            raise StoreError(f"{command[0]} is missing: install it") from None
        except subprocess.TimeoutExpired as error:
            raise StoreError(
                f"{' '.join(command[-3:])} took longer than {seconds:g} s, {TIMEOUTS} times "
                f"MMF_STORE_TIMEOUT; is its remote up?"
            ) from error


def pointer_to(path: Path) -> DvcPointer | None:
    """Return what the `.dvc` file beside `path` records; None without such a file."""
    pointer = DvcPointer(path, "")
    if not pointer.file.is_file():
        return None
    match = MD5.search(pointer.file.read_text(encoding="utf-8"))
    if not match:
        raise ArtifactError(f"{pointer.file} has no md5; run dvc add {path} to write it again")
    return DvcPointer(path, "" if match[2] else match[1])


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)  # DVC's choice; it identifies the file


def _etag(text: str) -> str:
    match = MD5.search(text)
    return match[1] if match else ""


def _version(text: str, identity: str, revision: Any, **training: str) -> Version:
    """Return the version that a `.dvc` file's text records; `revision` is dvc's name for it."""
    size = SIZE.search(text)
    files = (revision or {}).get("data", {}).values()
    metrics = dict(number for file in files for number in _numbers(file.get("data")))
    return Version(
        id=identity,
        size=int(size[1]) if size else UNKNOWN,
        etag=_etag(text),
        metadata={TRAINING: json.dumps({"metrics": metrics, **training})},
    )


def _numbers(metrics: object, prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield the numbers among the metrics of a file; names of nested ones are joined by dots."""
    if isinstance(metrics, dict):
        for name, value in metrics.items():
            yield from _numbers(value, f"{prefix}.{name}" if prefix else str(name))
    elif isinstance(metrics, int | float):
        yield prefix, metrics


def _message(process: subprocess.CompletedProcess[str]) -> str:
    return " ".join((process.stderr or process.stdout).split())
