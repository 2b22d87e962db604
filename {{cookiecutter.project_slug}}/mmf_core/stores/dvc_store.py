"""Files kept by DVC: `model.joblib.dvc` beside the code records which one, and dvc fetches it."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from ..errors import ArtifactError, StoreError
from ..packages import OptionalDependency
from ..settings import Settings
from .cache import FETCHING, WAITING, exclusive_lock, folder

# dvc writes `- md5: …`; that of a folder ends with `.dir` and is the checksum of a listing.
MD5 = re.compile(r"^\s*(?:- )?md5:\s*['\"]?([0-9a-f]{32})(\.dir)?['\"]?\s*$", re.MULTILINE)


TIMEOUTS = 60
"""How many times MMF_STORE_TIMEOUT `dvc pull` may take: it reports no progress."""


class _Dvc(OptionalDependency):
    requires: ClassVar = {"dvc": "dvc"}


@dataclass(frozen=True)
class DvcPointer:
    """What a `.dvc` file records about the file beside it; `md5` is empty for a folder."""

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

    def _run_dvc(self) -> None:
        seconds = TIMEOUTS * Settings.from_env().store_timeout
        try:
            process = subprocess.run(
                [sys.executable, "-m", "dvc", "pull", str(self.file)],
                capture_output=True,
                text=True,
                check=False,
                timeout=seconds,
            )
        except subprocess.TimeoutExpired as error:
            raise StoreError(
                f"dvc pull {self.file} took longer than {seconds:g} s, {TIMEOUTS} times "
                f"MMF_STORE_TIMEOUT; is its remote up?"
            ) from error
        if process.returncode or not self.path.exists():
            output = " ".join((process.stderr or process.stdout).split())
            raise StoreError(f"dvc pull {self.file} failed: {output}")


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
