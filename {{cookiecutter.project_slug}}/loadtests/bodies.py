"""Request bodies: one value in every format that a target accepts.

They are encoded by mmf_core's own codecs, which are part of the project; the service itself only
has to respond to GET, so it may run anywhere.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

from urllib3 import encode_multipart_formdata

import mmf_core
from mmf_core.codecs import Format, Kind, find, json_of
from mmf_core.errors import MissingPackage, RequestError

JSON = Format.JSON.media_type
FORM = "multipart/form-data"
FIELDS = "application/x-www-form-urlencoded"

# What encoding raises for a value that a format cannot represent, or without a codec.
ENCODE_ERRORS = (MissingPackage, RequestError, TypeError, ValueError)

Description = Mapping[str, Any]


class Body(NamedTuple):
    """The arguments in one format; `response_format` is the format to ask for."""

    name: str
    media_type: str
    content: bytes
    query: str = ""
    response_format: Format = Format.JSON


class Unsupported(NamedTuple):
    """A format in which this value cannot be encoded, and why."""

    name: str
    reason: str


def bodies(
    arguments: list[Description], body: str | None, values: Description, media_types: list[str]
) -> Iterator[Body | Unsupported]:
    """Yield a body for each media type; `body` is the argument that it is, None for an object."""
    present = [argument for argument in arguments if argument["id"] in values]
    for media_type in media_types:
        try:
            yield _body(media_type, present, body, values)
        except ENCODE_ERRORS as error:
            yield Unsupported(_name(media_type), str(error))


def kind_of(description: Description) -> Kind | None:
    """Return the kind of a value by its descriptor's name; None for the author's own."""
    return getattr(getattr(mmf_core, description["class_name"], None), "kind", None)


def _body(
    media_type: str, arguments: list[Description], body: str | None, values: Description
) -> Body:
    if media_type == JSON and body is None:
        return Body("json", JSON, json.dumps(values).encode())
    if media_type == FORM:
        parts = [
            (argument["id"], _part(argument, values[argument["id"]])) for argument in arguments
        ]
        content, boundary = encode_multipart_formdata(parts)
        return Body("form", boundary, content)
    if media_type == FIELDS:
        fields = urlencode({name: _text(value) for name, value in values.items()})
        return Body("fields", FIELDS, fields.encode())
    media_format = Format.of_media_type(media_type)
    if media_format is None:
        raise ValueError("unknown media type")
    by_name = {argument["id"]: argument for argument in arguments}
    files = [argument for argument in arguments if kind_of(argument) is not Kind.SCALAR]
    main = by_name[body] if body else next(iter(files), arguments[0])
    if any(file is not main for file in files):
        raise ValueError("only a form holds several files")
    query = urlencode({name: _text(value) for name, value in values.items() if name != main["id"]})
    content = _encode(main, values[main["id"]], media_format)
    return Body(media_format.extension, media_type, content, query, media_format)


def _encode(description: Description, example: Any, media_format: Format) -> bytes:
    """Encode a value; ValueError if there is no codec for it, as for .xls."""
    if media_format is Format.JSON:
        return json.dumps(example).encode()
    kind = kind_of(description)
    codec = find(kind, media_format) if kind else None
    if kind is None or codec is None or not codec.writes:
        raise ValueError("no codec writes it")
    if media_format is Format.PROTOBUF and "message" in description:
        raise ValueError("its message type is the service's own")
    columns = description.get("columns")  # of an array, whose CSV has no header without them
    options = {**description.get("pandas_params", {}), **({"columns": columns} if columns else {})}
    return codec.encode(json_of(kind).from_plain(example, options), options)


def _part(description: Description, example: Any) -> Any:
    """Return a part of a form: text for a scalar, else a file in the first possible format."""
    if kind_of(description) is Kind.SCALAR:
        return _text(example)
    for media_type in description["accepts"]:
        media_format = Format.of_media_type(media_type)
        if media_format and media_format is not Format.JSON:
            try:
                content = _encode(description, example, media_format)
            except ENCODE_ERRORS:
                continue
            return f"example.{media_format.extension}", content, media_type
    return "example.json", json.dumps(example).encode(), JSON


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _name(media_type: str) -> str:
    media_format = Format.of_media_type(media_type)
    return media_format.extension if media_format else media_type
