"""What the page shows: targets, their forms and answers, artifacts; ready for its templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import __version__
from ..codecs import Format, Kind
from ..registry import Registry
from ..settings import MIB, Settings
from ..target import Target
from ..web.http.negotiation import response_formats
from ..web.project_metadata import About
from .fields import field
from .translations.texts import FOR_SCRIPTS

EXAMPLES: Mapping[Kind, tuple[Format, ...]] = {
    Kind.TABLE: (Format.XLSX, Format.CSV),
    Kind.ARRAY: (Format.CSV, Format.JSON),
}
"""Kinds of which an example can be downloaded, and as what."""


def view(
    registry: Registry, settings: Settings, texts: Mapping[str, str], about: About
) -> dict[str, Any]:
    """Return everything that the templates need; `texts` are in the page's language."""
    spoken = [
        f"{key.removeprefix(FOR_SCRIPTS)}={text}"
        for key, text in texts.items()
        if FOR_SCRIPTS in key
    ]
    return {
        "targets": [_target(one, texts) for one in registry.targets.values()],
        "artifacts": [
            {**one.meta(), "version": one.display_version} for one in registry.artifacts.values()
        ],
        "limit": settings.max_body,
        "megabytes": f"{settings.max_body / MIB:g}",
        "core": __version__,
        "about": about,
        "t": texts,
        "spoken": "\n".join(spoken),
    }


def _target(target: Target, texts: Mapping[str, str]) -> dict[str, Any]:
    returns = target.returns
    return {
        "route": target.route,
        "name": target.name,
        "description": target.description,
        "fields": [
            {**field(name, one, texts), "examples": _names(EXAMPLES.get(one.kind, ()))}
            for name, one in target.arguments.items()
        ],
        "formats": _names(response_formats(returns)),
        "answers": returns.kind.name.lower() if returns else "nothing",
    }


def _names(forms: tuple[Format, ...]) -> list[str]:
    return [one.extension for one in forms]
