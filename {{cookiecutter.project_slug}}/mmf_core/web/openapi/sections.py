"""A section of `/openapi.json`, and the pieces of OpenAPI 3.1 that every section is built from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...codecs import Format, Kind, find, json_of
from ...descriptors import Descriptor
from ...errors import RequestError
from ...settings import MIB, Settings
from ..http.codec_options import options_of

JSON = Format.JSON.media_type
BYTES = {"type": "string", "format": "binary"}
"""A file, in words that Swagger UI knows."""
_TEXTS = {Format.CSV, Format.TSV, Format.JSONL, Format.TEXT}
_AS_JSON = {Format.JSON, Format.YAML}
_SHOWN = {*_TEXTS, Format.XML, Format.YAML}
_RETRY = {"description": "seconds until it is worth trying again", "schema": {"type": "integer"}}


@dataclass(frozen=True, slots=True)
class OpenAPISection:
    """What a protocol or a capability adds; `components` are by kind, such as `schemas`."""

    tag: str
    description: str
    paths: Mapping[str, Mapping[str, Any]]
    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def ref(section: str, name: str) -> dict[str, str]:
    """Return a reference to a component."""
    return {"$ref": f"#/components/{section}/{name}"}


def response(description: str, schema: Mapping[str, Any], media_type: str = JSON) -> dict[str, Any]:
    """Return a response with one media type."""
    return {"description": description, "content": {media_type: {"schema": schema}}}


def error_responses(
    settings: Settings, name: str, schema: Mapping[str, Any], media_type: str
) -> dict[str, Any]:
    """Return a response for every error status of a protocol, as components called `name` 400."""
    responses = {
        f"{name}{status}": response(why, schema, media_type)
        for status, why in _reasons(settings).items()
    }
    responses[f"{name}503"]["headers"] = {"Retry-After": _RETRY}
    return responses


def error_refs(name: str, *statuses: int) -> dict[str, Any]:
    """Return references to those responses by status."""
    return {str(status): ref("responses", f"{name}{status}") for status in statuses}


def example(descriptor: Descriptor[Any], form: Format) -> Any:
    """Return the example in a format: for JSON the value, else a text; None for bytes.

    None, too, where the format cannot hold this value: CSV has two dimensions.
    """
    if form is Format.JSON:
        return descriptor.example()
    codec = find(descriptor.kind, form) if form in _SHOWN else None
    if codec is None or not codec.writes:
        return None
    if descriptor.kind is Kind.SCALAR:
        return str(descriptor.example())
    options = options_of(descriptor)
    value = json_of(descriptor.kind).from_plain(descriptor.example(), options)
    written = codec.encode(value, options)
    try:
        descriptor.validate(codec.decode(written, options))
    except RequestError:
        return None
    return written.decode()


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema of a value that is written as text, where there is no null."""
    kinds = schema.get("type")
    if not isinstance(kinds, list):
        return dict(schema)
    (kind,) = (one for one in kinds if one != "null")
    return {**schema, "type": kind}


def content_of(forms: Iterable[Format], json: Mapping[str, Any], text: Mapping[str, Any]) -> Any:
    """Return the content of a body in these formats; what is neither JSON nor text is a file."""
    schemas = {**dict.fromkeys(_AS_JSON, json), **dict.fromkeys(_TEXTS, text), Format.XML: {}}
    return {one.media_type: {"schema": schemas.get(one, BYTES)} for one in forms}


def _reasons(settings: Settings) -> dict[int, str]:
    return {
        400: "it cannot be read; the message says what to send instead",
        404: "there is nothing of this name",
        406: "the answer cannot be sent in any format that is accepted",
        413: f"the body is larger than {settings.max_body / MIB:g} MiB, or inflates to more than "
        f"{settings.max_decompressed / MIB:g} MiB",
        415: "the body's media type cannot be read here; the message lists those that can",
        422: "it can be read, and is not what is declared; the errors say where",
        500: "the service failed; its log has the reason under the request's id",
        503: "the model is not loaded, or all the calls that can wait do so",
        504: "the call takes longer than it may",
    }
