"""The bodies that native routes take, in OpenAPI: one argument, an object of several, or a form."""

from __future__ import annotations

from typing import Any

from ...codecs import Format, Kind, readable
from ...descriptors import Descriptor
from ...target import Target
from ..http.negotiation import media_types
from .sections import BYTES, content_of, example, without_null

_FORM = "multipart/form-data"
_FIELDS = "application/x-www-form-urlencoded"


def body(target: Target) -> dict[str, Any]:
    """Describe the body in every media type; a scalar may be in the query instead."""
    required = [name for name, one in target.arguments.items() if one.required]
    only_scalars = all(one.kind is Kind.SCALAR for one in target.arguments.values())
    content = dict.fromkeys([_FORM, *([_FIELDS] if only_scalars else [])], _form(target, required))
    if len(target.arguments) == 1:
        content = {**_whole(next(iter(target.arguments.values()))), **content}
    else:
        others = [one for one in target.arguments.values() if one.kind is not Kind.SCALAR]
        whole = _whole(others[0]) if len(others) == 1 else {}
        content = {**whole, Format.JSON.media_type: _object(target, required), **content}
    taken = all(one.kind is Kind.SCALAR for one in target.required.values())
    return {"required": not taken, "content": content}


def _whole(one: Descriptor[Any]) -> dict[str, Any]:
    """Describe a body that is one argument."""
    text = without_null(one.json_schema()) if one.kind is Kind.SCALAR else {"type": "string"}
    if text.get("type") == "string" and "enum" not in text:
        text = {**text, "minLength": 1}  # an empty body is none
    # Null would be a union, which generators of clients trip over in a body that may be missing.
    json = without_null(described(one)) if one.kind is Kind.SCALAR else described(one)
    content: dict[str, Any] = content_of(readable(one.kind), json, text)
    for form in readable(one.kind):
        shown = example(one, form)
        if shown is not None:
            content[form.media_type]["example"] = shown
    return content


def _object(target: Target, required: list[str]) -> dict[str, Any]:
    """Describe the JSON object of several arguments."""
    schema = {
        "type": "object",
        "properties": {name: described(one) for name, one in target.arguments.items()},
        "required": required,
        "additionalProperties": False,
    }
    examples = {name: one.example() for name, one in target.arguments.items()}
    return {"schema": schema, "example": examples}


def _form(target: Target, required: list[str]) -> dict[str, Any]:
    """Describe a form: scalars as text, anything else as a file."""
    parts = {
        name: without_null(described(one)) if one.kind is Kind.SCALAR else _file(one)
        for name, one in target.arguments.items()
    }
    encoding = {
        name: {"contentType": ", ".join(media_types(readable(one.kind)))}
        for name, one in target.arguments.items()
        if one.kind is not Kind.SCALAR
    }
    schema = {
        "type": "object",
        "properties": parts,
        "required": required,
        "additionalProperties": False,
    }
    return {"schema": schema, **({"encoding": encoding} if encoding else {})}


def _file(one: Descriptor[Any]) -> dict[str, Any]:
    said = {"description": one.description} if one.description else {}
    return {**BYTES, **said}


def described(one: Descriptor[Any]) -> dict[str, Any]:
    """Return an argument's schema with what its author says of it."""
    said = {"title": one.name, "description": one.description}
    schema = {**one.json_schema(), **{key: text for key, text in said.items() if text}}
    if one.kind is Kind.SCALAR and not one.required and one.default is not None:
        schema["default"] = one.default
    return schema
