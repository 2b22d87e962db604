"""What the project calls itself: `[project]` of pyproject.toml (PEP 621), and its title."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class ProjectMetadata:
    """Name, version, description and title of the project, each empty if the file lacks it.

    The title is `title` of `[tool.mmf]`, else the name, which PEP 621 restricts to Latin letters.
    """

    name: str = ""
    version: str = ""
    description: str = ""
    title: str = ""


def read_metadata(folder: Path | None = None) -> ProjectMetadata:
    """Read pyproject.toml in `folder` (default: the current one); all empty if it is unreadable."""
    try:
        content: Any = tomllib.loads((folder or Path.cwd()).joinpath(FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return ProjectMetadata()  # the file is optional, and package installers report its errors
    project, own = _table(content, "project"), _table(_table(content, "tool"), "mmf")
    name, version, description = (
        _text(project.get(key)) for key in ("name", "version", "description")
    )
    return ProjectMetadata(name, version, description, _text(own.get("title")) or name)


def _table(parent: dict[str, Any], name: str) -> dict[str, Any]:
    table = parent.get(name)
    return table if isinstance(table, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
