"""Files that DVC keeps: `model.joblib.dvc` beside the code says which one, and dvc fetches it."""

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
from .cache import alone, folder

# dvc writes it as `- md5: …`; of a folder, the sum ends with `.dir` and is that of a listing.
SUM = re.compile(r"^\s*(?:- )?md5:\s*['\"]?([0-9a-f]{32})(\.dir)?['\"]?\s*$", re.MULTILINE)


class _Dvc(OptionalDependency):
    requires: ClassVar = {"dvc": "dvc"}


@dataclass(frozen=True)
class Pointer:
    """What a `.dvc` file says of the file beside it; `md5` is empty for a folder."""

    path: Path
    md5: str

    @property
    def file(self) -> Path:
        """The `.dvc` file."""
        return self.path.with_name(f"{self.path.name}.dvc")

    def pull(self) -> None:
        """Have dvc fetch the file from its remote, one process at a time."""
        _Dvc().require(f"{self.path}, which {self.file.name} keeps,")
        key = hashlib.sha256(str(self.file.absolute()).encode()).hexdigest()
        with alone(folder() / key, "fetching", f"{self.path}: another process has it in hand"):
            if not self.path.exists():
                self._run()
        self.verify()

    def verify(self) -> None:
        """Raise ArtifactError, with both sums, unless the file is the one that is meant."""
        if not self.md5:
            return
        with self.path.open("rb") as file:
            found = hashlib.file_digest(file, _md5).hexdigest()
        if found != self.md5:
            raise ArtifactError(
                f"{self.path} is not the file of {self.file.name}: its md5 is {found}, and "
                f"{self.md5} is kept. If the new file is right: dvc add {self.path}; to get the "
                f"kept one back: dvc checkout {self.path}"
            )

    def _run(self) -> None:
        done = subprocess.run(
            [sys.executable, "-m", "dvc", "pull", str(self.file)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode or not self.path.exists():
            said = " ".join((done.stderr or done.stdout).split())
            raise StoreError(f"dvc pull {self.file} fails: {said}")


def pointer_to(path: Path) -> Pointer | None:
    """Return what the `.dvc` file beside `path` says; None if there is none."""
    pointer = Pointer(path, "")
    if not pointer.file.is_file():
        return None
    found = SUM.search(pointer.file.read_text(encoding="utf-8"))
    if not found:
        raise ArtifactError(f"{pointer.file} has no md5: dvc add {path} writes it anew")
    return Pointer(path, "" if found[2] else found[1])


def _md5() -> hashlib._Hash:
    return hashlib.md5(usedforsecurity=False)  # DVC's choice; it says which file, not whose
