"""A project's mmf_core is replaced as a whole: without the extras that the project has removed."""

from __future__ import annotations

import difflib
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..extras import PROJECT_FILES, find_extras, remove_extras
from .record import CORE, files_of

_MOST_LINES = 200


def edits(old: Path, project: Path) -> str:
    """Return what a project has changed in mmf_core as it was generated, as a difference."""
    before, own = _files(old), _files(project)
    removed = {
        path.relative_to(old / CORE).as_posix()
        for name in _removed_extras(old, project)
        for path in find_extras(old / CORE)[name].paths
    }
    lines: list[str] = []
    for path in sorted(before | own):
        if path in own or not _is_in(path, removed):
            lines += _difference(old / CORE / path, project / CORE / path, f"{CORE}/{path}")
    if len(lines) > _MOST_LINES:
        lines = [*lines[:_MOST_LINES], f"… and {len(lines) - _MOST_LINES} more lines"]
    return "\n".join(lines)


def replace_core(old: Path, project: Path, new: Path) -> None:
    """Replace a project's mmf_core by the new one; what it had removed stays removed."""
    removed = _removed_extras(old, project)
    fresh = project / f".{CORE}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    shutil.copytree(new / CORE, fresh, ignore=shutil.ignore_patterns("__pycache__"))
    remove_extras(fresh, removed & find_extras(fresh).keys())
    shutil.rmtree(project / CORE)
    fresh.rename(project / CORE)


def files_of_removed_extras(old: Path, project: Path, new: Path) -> set[str]:
    """Return the files in the new version of extras which the project has removed.

    Their files outside of mmf_core may be the project's: of these only the ones that are new.
    """
    extras = find_extras(new / CORE)
    names = _removed_extras(old, project) & extras.keys()
    removed = [path.relative_to(new).as_posix() for name in names for path in extras[name].paths]
    outside = [path for name in names for path in PROJECT_FILES.get(name, ())]
    return {
        path
        for path in files_of(new)
        if _is_in(path, removed) or (_is_in(path, outside) and not (old / path).exists())
    }


def _removed_extras(old: Path, project: Path) -> set[str]:
    return find_extras(old / CORE).keys() - find_extras(project / CORE).keys()


def _is_in(path: str, places: Iterable[str]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _files(folder: Path) -> set[str]:
    return set(files_of(folder / CORE))


def _difference(before: Path, after: Path, name: str) -> list[str]:
    if before.is_file() and after.is_file() and _bytes(before) == _bytes(after):
        return []
    names = f"generated/{name}", f"yours/{name}"
    lines = list(difflib.unified_diff(_lines(before), _lines(after), *names, lineterm=""))
    return lines or [f"{name}: its bytes differ from those that were generated"]


def _bytes(file: Path) -> bytes:
    """Return a file's contents; git and editors may have replaced its line ends."""
    return file.read_bytes().replace(b"\r\n", b"\n")


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").splitlines() if file.is_file() else []
