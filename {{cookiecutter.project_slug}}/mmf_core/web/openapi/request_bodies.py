"""Request bodies of the REST routes in OpenAPI: one argument, an object of several, or a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...codecs import Format, Kind, readable
from ...descriptors import Descriptor
from ...target import Target
from ..http.negotiation import media_types
from .sections import ANYTHING, BYTES, content_of, example, without_null

_FORM = "multipart/form-data"
_FIELDS = "application/x-www-form-urlencoded"


def body(target: Target) -> dict[str, Any]:
    """Describe the body in every media type; a scalar may be in the query instead."""
    others = [argument for argument in target.arguments.values() if not argument.fits_query]
    # Generated clients cannot send a table in a form without files.
    forms = [_FORM] if others else [_FORM, _FIELDS]
    needs_body = not all(descriptor.fits_query for descriptor in target.required.values())
    content = {**_not_form(target), **dict.fromkeys(forms, _form(target))}
    if len(target.examples) > 1:
        _name_examples(content[Format.JSON.media_type], target)
    return {"required": needs_body, "content": content}


def plain_values(target: Target, arguments: Mapping[str, Descriptor[Any]]) -> dict[str, Any]:
    """Return the values of an example: the author's, or what a body in JSON may hold."""
    return {
        name: descriptor.plain_example
        for name, descriptor in arguments.items()
        if descriptor.required
        or descriptor.example is not None
        or name == target.body_argument
        or not (target.examples or target.body_argument)
    }


def example_body(target: Target, values: Mapping[str, Any]) -> Any:
    """Return the body in JSON of an example's values; others than the body are in the query."""
    return values[target.body_argument] if target.body_argument else values


def _not_form(target: Target) -> dict[str, Any]:
    """Describe a body that is an argument, or an object of them."""
    if target.body_argument is None:
        # Scalars may be in the query, which leaves the body to the only other argument.
        required = target.required.values()
        bodies = [item for item in required if not item.fits_query] or list(required)[:1]
        content = _whole(bodies[0]) if len(bodies) == 1 else {}
        return {**content, Format.JSON.media_type: _object(target)}
    descriptor = target.arguments[target.body_argument]
    content = _whole(descriptor)
    if descriptor.kind is Kind.SCALAR:
        content[Format.JSON.media_type] = _object(target)
    return content


def argument_schema(descriptor: Descriptor[Any]) -> dict[str, Any]:
    """Return an argument's schema with its title, description and default."""
    texts = {"title": descriptor.name, "description": descriptor.description}
    schema = {**descriptor.json_schema(), **{key: text for key, text in texts.items() if text}}
    is_optional_value = descriptor.fits_query and not descriptor.required
    if is_optional_value and descriptor.default is not None:
        schema["default"] = descriptor.default
    return schema


def field_schema(descriptor: Descriptor[Any]) -> dict[str, Any]:
    """Return an argument's schema in a form or a query, which have no null or empty list."""
    schema = without_null(argument_schema(descriptor))
    return {**schema, **({"minItems": schema.get("minItems", 1)} if "items" in schema else {})}


def _whole(descriptor: Descriptor[Any]) -> dict[str, Any]:
    """Describe a body that is a single argument."""
    text: dict[str, Any] = {"type": "string"}
    json = argument_schema(descriptor)
    if descriptor.kind is Kind.SCALAR:
        # Null would be a union, which client generators cannot handle in an optional body.
        text, json = without_null(descriptor.json_schema()), without_null(json)
    if text.get("type") == "string" and "enum" not in text:
        text = {**text, "minLength": 1}  # an empty body counts as missing
    formats = readable(descriptor.kind)
    content: dict[str, Any] = content_of(formats, json, text)
    for format in formats:
        value = example(descriptor, format)
        if value is not None:
            content[format.media_type]["example"] = value
    if descriptor.kind is Kind.FILE:
        content[ANYTHING] = {"schema": BYTES}
    return content


def _object(target: Target) -> dict[str, Any]:
    """Describe the JSON object of several arguments; the only required scalar may be bare."""
    arguments = target.arguments.items()
    properties = {name: argument_schema(descriptor) for name, descriptor in arguments}
    schema = _object_schema(target, properties)
    if target.body_argument:
        bare = without_null(argument_schema(target.arguments[target.body_argument]))
        schema = {"anyOf": [schema, bare]}
    values = plain_values(target, target.arguments)
    return {"schema": schema, "example": example_body(target, values)}


def _name_examples(media: dict[str, Any], target: Target) -> None:
    """Put the author's examples in place of the one."""
    media.pop("example", None)
    media["examples"] = {
        name: {"value": example_body(target, plain_values(target, arguments))}
        for name, arguments in target.examples.items()
    }


def _form(target: Target) -> dict[str, Any]:
    """Describe a form: scalars as text, anything else as a file."""
    properties, encoding = {}, {}
    for name, descriptor in target.arguments.items():
        if descriptor.fits_query:
            properties[name] = field_schema(descriptor)
        else:
            properties[name] = _file(descriptor)
            encoding[name] = {"contentType": ", ".join(media_types(readable(descriptor.kind)))}
    schema = _object_schema(target, properties)
    return {"schema": schema, **({"encoding": encoding} if encoding else {})}


def _object_schema(target: Target, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(target.required),
        "additionalProperties": False,
    }


def _file(descriptor: Descriptor[Any]) -> dict[str, Any]:
    text = {"description": descriptor.description} if descriptor.description else {}
    return {**BYTES, **text}
