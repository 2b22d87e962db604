"""The size of a Heroku slug: the project, its packages, Python and perhaps Java, compressed.

A .py file counts twice: pip compiles it to a .pyc of about the same size.
"""

from __future__ import annotations

import os
import re
import shutil
import sysconfig
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
CHUNK = 1024 * 1024
# In app.json, by its name or its repository.
JVM_BUILDPACK = re.compile(r"heroku(?:/|-buildpack-)jvm")
# Of the standard library: what the buildpack's Python lacks, and what is counted by itself.
NOT_PYTHON = {"site-packages", "dist-packages", "test", "__pycache__"}


@dataclass(frozen=True)
class Size:
    """Bytes on the disk, as they are and compressed."""

    uncompressed: int = 0
    compressed: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.uncompressed + other.uncompressed, self.compressed + other.compressed)


def of_packages(requirements: Path) -> dict[str, Size]:
    """Return the size of every package that a requirements.txt brings, as installed here."""
    return {name: of_files(_files(package)) for name, package in _installed(requirements).items()}


def of_project(folder: Path) -> Size:
    """Return the size of a project, without hidden files and Python's caches."""
    return of_files(_walk(folder, {"__pycache__"}))


def of_python() -> Size:
    """Return the size of the running Python, which is close to that of the buildpack's."""
    return of_files(_walk(Path(sysconfig.get_path("stdlib")), NOT_PYTHON))


def needs_java(folder: Path) -> bool:
    """Return whether app.json names the buildpack of Java, which PMML needs."""
    file = folder / "app.json"
    return file.is_file() and bool(JVM_BUILDPACK.search(file.read_text(encoding="utf-8")))


def of_java() -> Size | None:
    """Return the size of the Java on PATH, which is close to the buildpack's; None without one."""
    program = shutil.which("java")
    if program is None:
        return None
    return of_files(_walk(Path(program).resolve().parents[1], set()))  # HOME/bin/java


def of_files(files: Iterable[Path]) -> Size:
    """Add up files at the fastest compression level; the real slug is somewhat smaller."""
    total = Size()
    for file in files:
        size = _of_file(file)
        total += size + size if file.suffix == ".py" else size
    return total


def _of_file(file: Path) -> Size:
    compressor = zlib.compressobj(level=1)
    uncompressed = compressed = 0
    with file.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            uncompressed += len(chunk)
            compressed += len(compressor.compress(chunk))
    return Size(uncompressed, compressed + len(compressor.flush()))


def _installed(requirements: Path) -> dict[str, Distribution]:
    """Return the packages that are named and, in turn, those they require.

    A package that is not installed here is for another system; options and comments are skipped.
    """
    installed: dict[str, Distribution] = {}
    names = _names(requirements.read_text(encoding="utf-8").splitlines())
    while names:
        try:
            package = distribution(names.pop())
        except PackageNotFoundError:
            continue
        name = package.metadata["Name"]
        if name not in installed:
            installed[name] = package
            names += _names(line for line in package.requires or () if "extra ==" not in line)
    return installed


def _names(lines: Iterable[str]) -> list[str]:
    return [match.group() for line in lines if (match := NAME.match(line.strip()))]


def _files(package: Distribution) -> Iterator[Path]:
    for file in package.files or ():
        path = Path(str(package.locate_file(file)))
        if path.suffix != ".pyc" and path.is_file():
            yield path


def _walk(folder: Path, excluded: set[str]) -> Iterator[Path]:
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name not in excluded and not name.startswith(".")]
        yield from (path for name in files if (path := Path(parent, name)).is_file())
