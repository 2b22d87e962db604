"""Requirement files are merged by package: what both sides have changed is the project's.

A package may have several lines, one for each marker: they are taken together, from one side.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def merge_requirements(old: str, mine: str, new: str) -> tuple[str, list[str]]:
    """Merge what a template has changed from `old` to `new` into a project's requirements.

    Return the text, and what was kept of the project although the template has changed it, too.
    """
    if mine == old:
        return new, []
    before, own, theirs = _packages(old), _packages(mine), _packages(new)
    merged: list[str] = []
    replaced: set[str] = set()
    for line in mine.splitlines():
        name = _package(line)
        if name is None or own[name] != before.get(name):
            merged.append(line)
        elif name not in replaced:
            merged += theirs.get(name, [])
            replaced.add(name)
    kept = [
        _conflict(lines, theirs.get(name, []))
        for name, lines in own.items()
        if lines != before.get(name) and theirs.get(name) not in (before.get(name), lines)
    ]
    new_packages = [name for name in theirs if name not in before and name not in own]
    added = [line for name in new_packages for line in theirs[name]]
    return _sorted_like(mine, merged, added), kept


def _conflict(lines: list[str], others: list[str]) -> str:
    own, theirs = (", ".join(map(_requirement, side)) for side in (lines, others))
    return f"{own} (the template: {theirs or 'removed'})"


def _sorted_like(mine: str, merged: list[str], added: list[str]) -> str:
    """Join lines; those that are new are where they belong, if the project's are in order."""
    own = [line for line in mine.splitlines() if _package(line)]
    lines = merged + added
    if own == sorted(own, key=str.lower) and len(own) == len(mine.splitlines()):
        lines = sorted(lines, key=str.lower)
    return "".join(f"{line}\n" for line in lines)


def _packages(text: str) -> Mapping[str, list[str]]:
    """Return the lines of each package, of which there is one for each marker."""
    packages: dict[str, list[str]] = {}
    for line in text.splitlines():
        if name := _package(line):
            packages.setdefault(name, []).append(line)
    return packages


def _package(line: str) -> str | None:
    """Return the package that a line is about; None for a comment or an option."""
    match = _NAME.match(_requirement(line))
    return re.sub(r"[-_.]+", "-", match[0]).lower() if match else None


def _requirement(line: str) -> str:
    return re.split(r"(?:^|\s)#", line)[0].strip()
