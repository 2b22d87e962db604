"""What a run leaves behind until it is complete: its parts, and a journal of them.

They are in a folder beside the output. The first line of the journal identifies the run; a
line is added for each part when the part is complete, in any order. A part that is not the one of
its line, or has none, is made again.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any, Self

from .errors import BatchError
from .predictor import BadRow

_FAILED = "failed"
_JOURNAL, _SUFFIX, _BAD = "journal.jsonl", ".part", ".bad.jsonl"


@dataclass(frozen=True, slots=True)
class Part:
    """A chunk that is done: its file, how many rows it had, how many are bad, and its columns."""

    number: int
    file: str
    rows: int
    bad: int
    size: int
    crc: int
    names: list[str] | None

    @property
    def written(self) -> int:
        """How many rows have a prediction."""
        return self.rows - self.bad


class Journal:
    """The folder of one run."""

    def __init__(self, folder: Path, file: IO[str]) -> None:
        self.folder = folder
        self.parts: dict[int, Part] = {}
        self._file = file

    @classmethod
    @contextmanager
    def open(cls, folder: Path, identity: dict[str, Any], *, resume: bool) -> Iterator[Self]:
        """Open the folder of a run, new or one to resume.

        BatchError if it is of another run, if another process has it, or if it is there without
        `resume`.
        """
        path, failed = folder / _JOURNAL, folder / _FAILED
        if not resume and failed.exists():
            cls.discard(folder)
        if path.exists() and not resume:
            raise BatchError(
                f"{folder} is left from a run that has not ended: continue it with --resume, or "
                f"start over with --overwrite"
            )
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8", errors="replace") as file:
            _lock(file, folder)
            journal = cls(folder, file)
            journal._begin(identity)
            failed.unlink(missing_ok=True)  # this run is a continuation of it
            yield journal

    @staticmethod
    def discard(folder: Path) -> None:
        """Remove what a run has left; BatchError if that is still running."""
        path = folder / _JOURNAL
        if path.exists():
            with path.open("a", encoding="utf-8") as file:
                _lock(file, folder)
                shutil.rmtree(folder)

    def path(self, number: int) -> Path:
        """Return the path of a part."""
        return self.folder / f"{number:06}{_SUFFIX}"

    def bad_rows(self, number: int) -> list[BadRow]:
        """Return the bad rows of a part, counted from its first row."""
        path = self._bad_path(number)
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8").splitlines()
        return [BadRow(*json.loads(line)) for line in lines]

    def write(
        self, number: int, file: str, rows: int, bad: list[BadRow], data: bytes, names: Any
    ) -> Part:
        """Write a part, in the process that has made it; `add` comes later."""
        path = self.path(number)
        path.write_bytes(data)
        if bad:
            text = "".join(f"{json.dumps(row)}\n" for row in bad)
            self._bad_path(number).write_text(text, encoding="utf-8")
        else:  # the part may have been made before, and not added
            self._bad_path(number).unlink(missing_ok=True)
        return Part(number, file, rows, len(bad), len(data), zlib.crc32(data), names)

    def add(self, part: Part) -> None:
        """Note that a part is complete."""
        self.parts[part.number] = part
        self._file.write(json.dumps(asdict(part)) + "\n")
        self._file.flush()

    def fail(self) -> None:
        """Keep the parts for a run that continues this one; a new one starts over."""
        if self.parts:
            (self.folder / _FAILED).touch()
        else:
            self.remove()

    def remove(self) -> None:
        """Remove the folder: the output is complete."""
        shutil.rmtree(self.folder)

    def _begin(self, identity: dict[str, Any]) -> None:
        self._file.seek(0)
        lines = self._file.read().splitlines()
        if not lines:
            self._file.write(json.dumps(identity) + "\n")
            self._file.flush()
            return
        self._check(lines[0], identity)
        for line in lines[1:]:
            with suppress(ValueError, TypeError):  # the last one may be cut off
                part = Part(**json.loads(line))
                if self._is_there(part):
                    self.parts[part.number] = part
        if lines[-1:] and not self._ends_line():
            self._file.write("\n")

    def _check(self, line: str, identity: dict[str, Any]) -> None:
        now = json.loads(json.dumps(identity))
        try:
            before = dict(json.loads(line))
        except (ValueError, TypeError):  # a crash of the machine may cut off even the first line
            raise BatchError(
                f"--resume: {self.folder / _JOURNAL} is damaged; start over with --overwrite"
            ) from None
        if changed := [name for name in now if before.get(name) != now[name]]:
            raise BatchError(
                f"--resume: {', '.join(changed)} changed since the run in {self.folder} began; "
                f"start over with --overwrite"
            )

    def _is_there(self, part: Part) -> bool:
        path = self.path(part.number)
        if not path.is_file() or path.stat().st_size != part.size:
            return False
        if len(self.bad_rows(part.number)) != part.bad:
            return False
        return zlib.crc32(path.read_bytes()) == part.crc

    def _ends_line(self) -> bool:
        with (self.folder / _JOURNAL).open("rb") as file:
            file.seek(-1, os.SEEK_END)
            return file.read(1) == b"\n"

    def _bad_path(self, number: int) -> Path:
        return self.folder / f"{number:06}{_BAD}"


def _lock(file: IO[str], folder: Path) -> None:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        raise BatchError(f"another run writes to {folder}") from None
