"""What Heroku would pack into a slug: the project, its packages and Python, as gzip packs them.

A .pyc counts as much as its .py: pip leaves one beside each, and other installers do not.
"""

from __future__ import annotations

import os
import re
import sysconfig
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CHUNK = 1024 * 1024
# Of the standard library: what the buildpack's Python has not, or what is counted by itself.
NOT_PYTHON = {"site-packages", "dist-packages", "test", "__pycache__"}


@dataclass(frozen=True)
class Size:
    """Bytes on the disk, and what they are packed."""

    unpacked: int = 0
    packed: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.unpacked + other.unpacked, self.packed + other.packed)


def of_packages(requirements: Path) -> dict[str, Size]:
    """Return the size of every package that a requirements.txt brings, where it is installed."""
    return {name: of_files(_files(found)) for name, found in _installed(requirements).items()}


def of_project(folder: Path) -> Size:
    """Return the size of a project; what is hidden or made by Python is not in its repository."""
    return of_files(_walk(folder, {"__pycache__"}))


def of_python() -> Size:
    """Return the size of the Python that is running, which is about the buildpack's."""
    return of_files(_walk(Path(sysconfig.get_path("stdlib")), NOT_PYTHON))


def of_files(files: Iterable[Path]) -> Size:
    """Add up files; the fastest packing, so the real slug is rather smaller."""
    total = Size()
    for file in files:
        size = _of_file(file)
        total += size + size if file.suffix == ".py" else size
    return total


def _of_file(file: Path) -> Size:
    packer = zlib.compressobj(level=1)
    unpacked = packed = 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            unpacked += len(chunk)
            packed += len(packer.compress(chunk))
    return Size(unpacked, packed + len(packer.flush()))


def _installed(requirements: Path) -> dict[str, Distribution]:
    """Find what is named, and what that needs in turn; what is not installed here is not for here.

    A line that names nothing (an option, a comment) is passed over.
    """
    found: dict[str, Distribution] = {}
    names = _names(requirements.read_text(encoding="utf-8").splitlines())
    while names:
        try:
            one = distribution(names.pop())
        except PackageNotFoundError:
            continue  # for another system
        name = one.metadata["Name"]
        if name not in found:
            found[name] = one
            names += _names(line for line in one.requires or () if "extra ==" not in line)
    return found


def _names(lines: Iterable[str]) -> list[str]:
    return [match.group() for line in lines if (match := NAME.match(line.strip()))]


def _files(found: Distribution) -> Iterator[Path]:
    for file in found.files or ():
        path = Path(str(found.locate_file(file)))
        if path.suffix != ".pyc" and path.is_file():
            yield path


def _walk(folder: Path, left_out: set[str]) -> Iterator[Path]:
    for place, folders, files in os.walk(folder):
        folders[:] = [one for one in folders if one not in left_out and not one.startswith(".")]
        yield from (path for name in files if (path := Path(place, name)).is_file())
