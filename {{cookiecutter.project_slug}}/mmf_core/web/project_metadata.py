"""Name, version and description of the service: `[project]` of pyproject.toml (PEP 621)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class ProjectMetadata:
    """Name, version and description of the project, each empty if the file lacks it."""

    name: str = ""
    version: str = ""
    description: str = ""


def read_metadata(folder: Path | None = None) -> ProjectMetadata:
    """Read pyproject.toml in `folder` (default: the current one); all empty if it is unreadable."""
    try:
        content: Any = tomllib.loads((folder or Path.cwd()).joinpath(FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return ProjectMetadata()  # the file is optional, and package installers report its errors
    project = content.get("project")
    fields = project if isinstance(project, dict) else {}
    return ProjectMetadata(*(_text(fields.get(name)) for name in ProjectMetadata.__slots__))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
