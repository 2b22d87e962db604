"""`.mmf.toml`: the template that a project was generated from, its version, answers, checksums.

`.cruft.json` has the same for cruft. Only the standard library is imported here: the template's
hook uses this module, too.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

from ..errors import MMFError

NAME = ".mmf.toml"
CRUFT = ".cruft.json"
CORE = "mmf_core"
ADDED_EXTRAS, REMOVED_EXTRAS = "__added_extras", "__removed_extras"
"""Answers that only `mmfmeta extras` gives: names, separated by blanks."""
_HEADER = "# What this project was generated from. `mmfmeta upgrade` reads and rewrites it.\n\n"
_VERSION = re.compile(r"v?(\d+)\.(\d+)\.(\d+)")
_CREDENTIALS = re.compile(r"^((?:git\+)?https?://)[^/]*@")
_SKIPPED = {".git", ".venv", "__pycache__", NAME, CRUFT}


class Version(NamedTuple):
    """MAJOR.MINOR.PATCH; the template has no others."""

    major: int
    minor: int
    patch: int

    def __str__(self) -> str:
        return ".".join(map(str, self))


class UpgradeError(MMFError):
    """A project cannot be upgraded as it is."""


@dataclass(frozen=True, slots=True)
class Record:
    """Where a project comes from.

    `commit` is empty if it is unknown, such as that of a template with changes that were not
    committed. `sums` are the SHA-256 of the files as they were generated, by their paths; the whole
    of mmf_core has one.
    """

    template: str
    version: str
    commit: str = ""
    answers: Mapping[str, str] = field(default_factory=dict)
    sums: Mapping[str, str] = field(default_factory=dict)


def parse_version(text: str) -> Version | None:
    """Return a version of the template, such as that of the tag v0.3.0; None for anything else."""
    match = _VERSION.fullmatch(text)
    return Version(*map(int, match.groups())) if match else None


def read_record(project: Path) -> Record:
    """Return a project's record; UpgradeError if it is missing or invalid."""
    file = project / NAME
    try:
        table = tomllib.loads(file.read_text(encoding="utf-8"))
        return Record(
            **{name: str(table[name]) for name in ("template", "version", "commit")},
            answers={name: str(text) for name, text in table["answers"].items()},
            sums={name: str(text) for name, text in table.get("sums", {}).items()},
        )
    except FileNotFoundError:
        raise UpgradeError(
            f"{file} is missing: expected a project that was generated from the template. An older "
            f"one is upgraded with --adopt VERSION and --from-template URL"
        ) from None
    except (ValueError, KeyError, AttributeError) as error:
        raise UpgradeError(
            f"{file} cannot be read: {error!r}; `git log {NAME}` has its last state"
        ) from error


def write_record(project: Path, record: Record) -> None:
    """Write a project's record, and cruft's unless the commit is unknown.

    Both are committed: a user and password in the template's URL are left out.
    """
    record = replace(record, template=_CREDENTIALS.sub(r"\1", record.template))
    lines = [
        f"{name} = {_text(getattr(record, name))}" for name in ("template", "version", "commit")
    ]
    for name in ("answers", "sums"):
        lines += ["", f"[{name}]"]
        lines += [f"{_text(key)} = {_text(text)}" for key, text in getattr(record, name).items()]
    (project / NAME).write_text(_HEADER + "\n".join(lines) + "\n", encoding="utf-8")
    cruft = project / CRUFT
    if record.commit:
        context = {"cookiecutter": {**record.answers, "_template": record.template}}
        content = {
            "template": record.template,
            "commit": record.commit,
            "checkout": None,
            "context": context,
            "directory": None,
        }
        cruft.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    else:
        cruft.unlink(missing_ok=True)


def checksums(project: Path) -> dict[str, str]:
    """Return the checksums of a project's files, by their paths."""
    sums = {path: hash_of(project / path) for path in files_of(project) if not is_core(path)}
    core = hashlib.sha256()
    for path in filter(is_core, files_of(project)):
        core.update(f"{path}\0{hash_of(project / path)}\n".encode())
    return {**sums, CORE: core.hexdigest()}


def files_of(folder: Path) -> Iterator[str]:
    """Yield the files of a generated project, except those that using it has created."""
    for file in sorted(folder.rglob("*")):
        parts = file.relative_to(folder).parts
        if file.is_file() and not _SKIPPED.intersection(parts):
            yield "/".join(parts)


def is_core(path: str) -> bool:
    """Report whether a file is part of mmf_core."""
    return path.startswith(f"{CORE}/")


def hash_of(file: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def _text(text: str) -> str:
    """Write a text as TOML's basic string, whose escapes are those of JSON."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
