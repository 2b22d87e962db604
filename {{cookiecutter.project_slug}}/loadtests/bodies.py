"""Bodies: one value in every format in which a target takes it.

They are written by mmf_core's own codecs, which come with the project; of the service nothing is
needed but its answers to GET, so it may run anywhere.
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

# What a value raises that a format cannot hold, or that nothing here can write.
UNWRITABLE = (MissingPackage, RequestError, TypeError, ValueError)

Described = Mapping[str, Any]


class Body(NamedTuple):
    """The same arguments once more; `form` is the format in which they are answered, too."""

    name: str
    media_type: str
    content: bytes
    query: str = ""
    form: Format = Format.JSON


class Missing(NamedTuple):
    """A format in which nothing here can write this value, and why."""

    name: str
    reason: str


def bodies(arguments: list[Described], example: Any, taken: list[str]) -> Iterator[Body | Missing]:
    """Yield a body for each media type of `taken`; JSON's is the example itself."""
    values = example if len(arguments) > 1 else {one["id"]: example for one in arguments}
    given = [one for one in arguments if one["id"] in values]
    for media_type in taken:
        try:
            yield _body(media_type, given, values, example)
        except UNWRITABLE as error:
            yield Missing(_name(media_type), str(error))


def kind_of(described: Described) -> Kind | None:
    """Return the kind of a value by the name of its descriptor; None of one that is not ours."""
    return getattr(getattr(mmf_core, described["class_name"], None), "kind", None)


def _body(media_type: str, given: list[Described], values: Described, example: Any) -> Body:
    if media_type == JSON:
        return Body("json", JSON, json.dumps(example).encode())
    if media_type == FORM:
        content, boundary = encode_multipart_formdata(
            [(one["id"], _part(one, values[one["id"]])) for one in given]
        )
        return Body("form", boundary, content)
    if media_type == FIELDS:
        return Body(
            "fields", FIELDS, urlencode({key: _text(values[key]) for key in values}).encode()
        )
    whole = next((one for one in given if kind_of(one) is not Kind.SCALAR), given[0])
    others = {key: _text(value) for key, value in values.items() if key != whole["id"]}
    form = Format.of_media_type(media_type)
    if form is None:
        raise ValueError("this media type is not known here")
    content = _written(whole, values[whole["id"]], form)
    return Body(form.extension, media_type, content, urlencode(others), form)


def _written(described: Described, example: Any, form: Format) -> bytes:
    """Write a value; ValueError where it cannot be written as this, as .xls cannot."""
    kind = kind_of(described)
    codec = find(kind, form) if kind else None
    if kind is None or codec is None or not codec.writes:
        raise ValueError("nothing here writes it")
    if form is Format.PROTOBUF and "message" in described:
        raise ValueError("its message type is the service's own")
    columns = described.get("columns")  # of an array, whose CSV has no header without them
    options = {**described.get("pandas_params", {}), **({"columns": columns} if columns else {})}
    return codec.encode(json_of(kind).from_plain(example, options), options)


def _part(described: Described, example: Any) -> Any:
    """Return a part of a form: text for a scalar, else a file in the first format that can be."""
    if kind_of(described) is Kind.SCALAR:
        return _text(example)
    for media_type in described["accepts"]:
        form = Format.of_media_type(media_type)
        if form and form is not Format.JSON:
            try:
                content = _written(described, example, form)
            except UNWRITABLE:
                continue
            return f"example.{form.extension}", content, media_type
    return "example.json", json.dumps(example).encode(), JSON


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _name(media_type: str) -> str:
    form = Format.of_media_type(media_type)
    return form.extension if form else media_type
