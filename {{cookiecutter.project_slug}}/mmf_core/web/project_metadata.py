"""What the service is called: `[project]` of pyproject.toml, as packages say it (PEP 621)."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class About:
    """Name, version and description of the project, each empty where it is not told."""

    name: str = ""
    version: str = ""
    description: str = ""


def about(folder: Path | None = None) -> About:
    """Read what the project in `folder`, else in the current one, says of itself."""
    try:
        told: Any = tomllib.loads((folder or Path.cwd()).joinpath(FILE).read_text("utf-8"))
    except (OSError, ValueError):
        return About()  # a service needs no such file, and what installs packages tells its faults
    project = told.get("project")
    kept = project if isinstance(project, dict) else {}
    return About(*(_text(kept.get(name)) for name in About.__slots__))


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
