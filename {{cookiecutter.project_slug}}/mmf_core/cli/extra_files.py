"""What an extra has outside of mmf_core: folders of deploy/, lines of requirements.in."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from ..extras import PROJECT_FILES, package_of

DIFFERS = "which differs from the template's"
REQUIREMENTS = "requirements.in"
_RECORD = ".mmf.toml"
_QUESTIONS = "cookiecutter.json"
_SLUG = re.compile(r"\{{2} cookiecutter\.project_slug \| replace\(\"_\", \"-\"\) \}{2}")
_MARKS = re.compile(r"\{[#%{]")


def added_files(project: Path, names: Iterable[str], payload: Path) -> Iterator[str]:
    """Write the files of extras that a project does not have; yield a line for each file.

    The name of the project in them is that of its record.
    """
    settings = json.loads((payload.parent / _QUESTIONS).read_text(encoding="utf-8"))
    name = str(_record(project).get("answers", {}).get("project_slug", ""))
    for path in _files(payload, names):
        target, contents = project / path, (payload / path).read_bytes()
        if not any(fnmatch(path, pattern) for pattern in settings["_copy_without_render"]):
            contents = _SLUG.sub(name.replace("_", "-"), contents.decode()).encode()
            if not name or _MARKS.search(contents.decode()):
                yield f"skipped   {path}: {_RECORD} does not have all answers that are in it"
                continue
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents)
            yield f"added     {path}"
        elif target.read_bytes() != contents:
            yield f"kept      {path}, {DIFFERS}"


def leftover_files(project: Path, names: Iterable[str]) -> Iterator[str]:
    """Yield a line for each folder that extras had; compose.yaml or other files may name them."""
    for name in names:
        for path in PROJECT_FILES.get(name, ()):
            if (project / path).exists():
                yield f"left      {path}: delete it, and its part of compose.yaml"


def added_requirements(project: Path, packages: set[str], payload: Path) -> Iterator[str]:
    """Add the template's lines about packages of which a project has none; yield each."""
    own, offered = requirements(project), requirements(payload)
    lines = [offered[name] for name in sorted((packages & offered.keys()) - own.keys())]
    if lines:
        file = project / REQUIREMENTS
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        parts = [text.removesuffix("\n"), *lines] if text else lines
        file.write_text("".join(f"{part}\n" for part in parts), encoding="utf-8")
        yield from (f"added     {REQUIREMENTS}: {line}" for line in lines)
        yield "install them: make add"


def requirements(folder: Path) -> dict[str, str]:
    """Return the lines of the requirements.in of a folder, by their packages."""
    file = folder / REQUIREMENTS
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    return {name: line for line in lines if (name := package_of(line))}


def _files(folder: Path, names: Iterable[str]) -> Iterator[str]:
    for path in (path for name in names for path in PROJECT_FILES.get(name, ())):
        for file in sorted((folder / path).rglob("*")):
            if file.is_file():
                yield file.relative_to(folder).as_posix()


def _record(project: Path) -> Mapping[str, Any]:
    try:
        return tomllib.loads((project / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
