"""The project's own metadata: `[project]` of pyproject.toml (PEP 621), title and links."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

FILE = "pyproject.toml"


@dataclass(frozen=True, slots=True)
class ProjectMetadata:
    """Name, version, description and title of the project, each empty if the file lacks it.

    The title is `title` of `[tool.mmf]`, else the name, which PEP 621 restricts to Latin letters.
    `links` are the addresses in `[tool.mmf.links]`, by the texts that the page shows.
    """

    name: str = ""
    version: str = ""
    description: str = ""
    title: str = ""
    links: Mapping[str, str] = field(default_factory=dict)


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
    links = {text: url for text, url in _table(own, "links").items() if _is_address(url)}
    return ProjectMetadata(name, version, description, _text(own.get("title")) or name, links)


def _is_address(url: object) -> bool:
    """Return whether a page may link to it: nothing that a browser would run."""
    return isinstance(url, str) and urlsplit(url).scheme in {"http", "https", ""}


def _table(parent: dict[str, Any], name: str) -> dict[str, Any]:
    table = parent.get(name)
    return table if isinstance(table, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
