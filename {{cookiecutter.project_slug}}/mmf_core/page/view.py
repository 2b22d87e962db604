"""What the page shows, ready for its templates: targets, their forms and results, artifacts."""

from __future__ import annotations

from collections.abc import Mapping
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from .. import __version__
from ..codecs import Format, Kind, json
from ..descriptors import Descriptor, Stream, String
from ..settings import MIB
from ..target import Target
from ..web.http.negotiation import response_formats
from ..web.project_metadata import ProjectMetadata
from ..web.protocols import Service
from .fields import FILE_CONTROLS, example_text, form_field, initial_text
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
                "has_button": not target.examples,
            }
            for name, descriptor in target.arguments.items()
        ],
        "examples": [{"name": name, "values": _values(target, name)} for name in target.examples],
        "formats": _formats(target),
        "returns": _kind(returns) if returns else "nothing",
        "background": target.call_options.background,
    }


def _formats(target: Target) -> list[str]:
    """Return the extensions to choose from; the page shows the events of a stream."""
    return ["events"] if target.is_stream else _extensions(response_formats(target.returns))


def _kind(returns: Descriptor[Any]) -> str:
    if isinstance(returns, Stream):
        return "stream-text" if isinstance(returns.item, String) else "stream"
    return returns.kind.name.lower()


def _values(target: Target, example: str) -> str:
    """Return in JSON what fills a form: by argument a text, or the address of a file.

    An argument that the example leaves out gets what the form has at first.
    """
    values = {
        name: {"text": initial_text(descriptor)}
        if not descriptor.required and descriptor.example is None
        else {"file": _address(target, name, descriptor, example)}
        if descriptor.kind in FILE_CONTROLS
        else {"text": example_text(descriptor)}
        for name, descriptor in target.examples[example].items()
    }
    return json.dumps(values).decode()


def _address(target: Target, name: str, descriptor: Descriptor[Any], example: str) -> str:
    extension = "csv" if descriptor.kind is Kind.TABLE else file_extension(descriptor)
    address = f"page/example/{quote(target.route)}/{quote(name)}.{extension}"
    return f"{address}?{urlencode({'example': example})}" if example else address


def file_extension(descriptor: Descriptor[Any]) -> str:
    """Return the extension of an example that is a file: that of the author's, if it has one."""
    example = descriptor.example
    suffix = Path(example).suffix if isinstance(example, str | PathLike) else ""
    return suffix.removeprefix(".") or ("png" if descriptor.kind is Kind.IMAGE else "bin")


def _extensions(formats: tuple[Format, ...]) -> list[str]:
    return [format.extension for format in formats]
