"""What the page shows, ready for its templates: targets, their forms and results, artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .. import __version__
from ..codecs import Format, Kind
from ..descriptors import Descriptor, Stream, String
from ..settings import MIB
from ..target import Target
from ..web.http.negotiation import response_formats
from ..web.project_metadata import ProjectMetadata
from ..web.protocols import Service
from .fields import form_field
from .translations import TEXTS, js_messages

EXAMPLES: Mapping[Kind, tuple[Format, ...]] = {
    Kind.TABLE: (Format.XLSX, Format.CSV),
    Kind.ARRAY: (Format.CSV, Format.JSON),
}
"""Formats in which an example can be downloaded, by kind."""


def view(service: Service, language: str, metadata: ProjectMetadata) -> dict[str, Any]:
    """Return everything that the templates need, in a language."""
    registry, texts, max_body = service.registry, TEXTS[language], service.settings.max_body
    return {
        "targets": [_target(target, texts) for target in registry.targets.values()],
        "artifacts": [
            {**artifact.meta(), "name": artifact.name, "version": artifact.display_version}
            for artifact in registry.artifacts.values()
        ],
        "limit": max_body,
        "megabytes": f"{max_body / MIB:g}",
        "core": __version__,
        "project": metadata,
        "t": texts,
        "js_messages": "\n".join(f"{key}={text}" for key, text in js_messages(language).items()),
    }


def _target(target: Target, texts: Mapping[str, str]) -> dict[str, Any]:
    returns = target.returns
    return {
        "route": target.route,
        "name": target.name,
        "description": target.description,
        "fields": [
            {
                **form_field(name, descriptor, texts),
                "examples": _extensions(EXAMPLES.get(descriptor.kind, ())),
            }
            for name, descriptor in target.arguments.items()
        ],
        "formats": _formats(target),
        "returns": _kind(returns) if returns else "nothing",
    }


def _formats(target: Target) -> list[str]:
    """Return the extensions to choose from; the page shows the events of a stream."""
    return ["events"] if target.is_stream else _extensions(response_formats(target.returns))


def _kind(returns: Descriptor[Any]) -> str:
    if isinstance(returns, Stream):
        return "stream-text" if isinstance(returns.item, String) else "stream"
    return returns.kind.name.lower()


def _extensions(formats: tuple[Format, ...]) -> list[str]:
    return [format.extension for format in formats]
