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
ANYTHING = "*/*"
"""The media type of a file, which may be of any."""
BYTES = {"type": "string", "format": "binary"}
"""A file, in the terms that Swagger UI supports."""
_TEXTS = {Format.CSV, Format.TSV, Format.JSONL, Format.TEXT}
_AS_JSON = {Format.JSON, Format.YAML}
_WITH_EXAMPLES = {*_TEXTS, Format.XML, Format.YAML}
_RETRY = {"description": "seconds to wait before retrying", "schema": {"type": "integer"}}


@dataclass(frozen=True, slots=True)
class OpenAPISection:
    """The routes of a protocol or a capability; `components` are by kind, such as `schemas`."""

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
    """Return a response for every error status of a protocol, as components such as `name`400."""
    responses = {
        f"{name}{status}": response(reason, schema, media_type)
        for status, reason in _reasons(settings).items()
    }
    responses[f"{name}503"]["headers"] = {"Retry-After": _RETRY}
    return responses


def error_refs(name: str, *statuses: int) -> dict[str, Any]:
    """Return references to the error responses of a protocol, by status."""
    return {str(status): ref("responses", f"{name}{status}") for status in statuses}


def example(descriptor: Descriptor[Any], format: Format) -> Any:
    """Return the example in a format: a value for JSON, else a text; None for binary formats.

    None, too, if the format cannot hold the value: CSV has two dimensions.
    """
    if format is Format.JSON:
        return descriptor.plain_example
    codec = find(descriptor.kind, format) if format in _WITH_EXAMPLES else None
    if codec is None or not codec.writes:
        return None
    if descriptor.kind is Kind.SCALAR:
        return str(descriptor.plain_example)
    options = options_of(descriptor)
    value = json_of(descriptor.kind).from_plain(descriptor.plain_example, options)
    encoded = codec.encode(value, options)
    try:
        descriptor.validate(codec.decode(encoded, options))
    except RequestError:
        return None
    return encoded.decode()


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return the schema without the type `null`, which a value sent as text cannot have."""
    types = schema.get("type")
    if not isinstance(types, list):
        return dict(schema)
    (type_name,) = (name for name in types if name != "null")
    return {**schema, "type": type_name}


def content_of(formats: Iterable[Format], json: Mapping[str, Any], text: Mapping[str, Any]) -> Any:
    """Return the content of a body in these formats; all but JSON and text are files."""
    schemas = {**dict.fromkeys(_AS_JSON, json), **dict.fromkeys(_TEXTS, text), Format.XML: {}}
    return {format.media_type: {"schema": schemas.get(format, BYTES)} for format in formats}


def _reasons(settings: Settings) -> dict[int, str]:
    return {
        400: "the request cannot be read; the message says what to send instead",
        404: "unknown name",
        406: "the result is not available in any accepted format",
        413: f"the body exceeds {settings.max_body / MIB:g} MiB, or decompresses to more than "
        f"{settings.max_decompressed / MIB:g} MiB",
        415: "unsupported media type; the message lists the supported ones",
        422: "a value does not match its declaration; the errors say where",
        500: "the service failed; its log has the reason under the request ID",
        503: "the model is not loaded, or too many calls are waiting",
        504: "the call exceeded its time limit",
    }
