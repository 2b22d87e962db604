"""Requirement files are merged by package: a line that both sides have changed is the project's."""

from __future__ import annotations

import re
from collections.abc import Mapping

_NAME = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^]]*])?")


def merge_requirements(old: str, mine: str, new: str) -> tuple[str, list[str]]:
    """Merge what a template has changed from `old` to `new` into a project's requirements.

    Return the text, and what was kept of the project although the template has changed it, too.
    """
    if mine == old:
        return new, []
    before, theirs, own = _lines(old), _lines(new), _lines(mine)
    merged: list[str] = []
    kept: list[str] = []
    for line in mine.splitlines():
        key = _key(line)
        if key is None or key not in own or own[key] != line:
            merged.append(line)
        elif key not in before or before.get(key) == theirs.get(key):
            merged.append(line)  # the template has not changed it
            if key not in before and key in theirs and theirs[key] != line:
                kept.append(_conflict(line, theirs[key]))
        elif line == before[key]:
            merged += [theirs[key]] if key in theirs else []
        else:
            merged.append(line)
            if theirs.get(key) != line:
                kept.append(_conflict(line, theirs.get(key, "")))
    added = [line for key, line in theirs.items() if key not in before and key not in own]
    return _sorted_like(mine, merged, added), kept


def _conflict(line: str, other: str) -> str:
    return f"{_requirement(line)} (the template: {_requirement(other) or 'removed'})"


def _sorted_like(mine: str, merged: list[str], added: list[str]) -> str:
    """Join lines; those that are new are where they belong, if the project's are in order."""
    own = [line for line in mine.splitlines() if _key(line)]
    lines = merged + added
    if own == sorted(own, key=str.lower) and len(own) == len(mine.splitlines()):
        lines = sorted(lines, key=str.lower)
    return "".join(f"{line}\n" for line in lines)


def _lines(text: str) -> Mapping[tuple[str, str], str]:
    """Return the last line of each package, by name and marker."""
    return {key: line for line in text.splitlines() if (key := _key(line))}


def _key(line: str) -> tuple[str, str] | None:
    """Return what a line is about: a package and its marker; None for a comment or an option."""
    requirement = _requirement(line)
    match = _NAME.match(requirement)
    if match is None:
        return None
    marker = requirement.partition(";")[2].strip()
    return re.sub(r"[-_.]+", "-", match[1]).lower(), marker


def _requirement(line: str) -> str:
    return re.split(r"(?:^|\s)#", line)[0].strip()
