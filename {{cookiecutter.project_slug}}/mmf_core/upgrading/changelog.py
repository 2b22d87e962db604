"""The entries of a changelog that should be read before an upgrade."""

from __future__ import annotations

import re
from collections.abc import Iterator

from .record import Version, parse_version

_VERSION = re.compile(r"^## \[?v?([^\]\s]+)\]?", re.MULTILINE)
_UNRELEASED = "Unreleased"
_KINDS = ("Changed", "Deprecated", "Removed", "Security")
"""The kinds of Keep a Changelog that may require a change to a project."""


def entries_between(
    changelog: str, old: Version, new: Version, *, unreleased: bool = False
) -> Iterator[str]:
    """Yield the sections between two versions that may require a change, the newest first.

    `unreleased` adds those of no version yet.
    """
    parts = _VERSION.split(changelog)
    for title, text in zip(parts[1::2], parts[2::2], strict=True):
        version = parse_version(title)
        if (old < version <= new) if version else (unreleased and title == _UNRELEASED):
            yield from (f"{title} {section}" for section in _sections(text))


def _sections(text: str) -> Iterator[str]:
    for section in re.split(r"^### ", text, flags=re.MULTILINE)[1:]:
        if section.startswith(_KINDS):
            yield section.strip()
