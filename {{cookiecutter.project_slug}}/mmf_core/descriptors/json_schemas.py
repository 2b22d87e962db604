"""Parts of JSON Schema (2020-12) for the values of descriptors."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from .zones import Zone

if TYPE_CHECKING:
    import numpy as np

NUMBER: dict[str, Any] = {"type": "number"}
DATETIME: dict[str, Any] = {  # RFC 3339, or the same without an offset (OpenAPI's format registry)
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"format": "date-time-local"}],
}
DATE: dict[str, Any] = {"type": "string", "format": "date"}
BASE64: dict[str, Any] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_DOUBLE = 8  # bytes of the widest number that JSON parsers support


def to_json(value: Any) -> Any:
    """Return a scalar as JSON represents it: dates as text."""
    return value.isoformat() if isinstance(value, date) else value


def moment_schema(zone: Zone | None) -> dict[str, Any]:
    """Return the schema of a date and time; without an offset it is the zone's local time."""
    if zone is None:
        return DATETIME
    if zone.tzinfo is None:
        return {"type": "string", "format": "date-time-local"}
    return {**DATETIME, "description": f"in {zone.name} unless it has a UTC offset"}


def described(schema: Mapping[str, Any], description: str) -> dict[str, Any]:
    """Return a schema with its author's description of the value first."""
    own = schema.get("description")
    texts = [text for text in (description, f"({own})" if own and description else own) if text]
    return {**schema, **({"description": " ".join(texts)} if texts else {})}


def with_choices(
    schema: Mapping[str, Any], choices: Iterable[Any] | None, *, nullable: bool = False
) -> dict[str, Any]:
    """Return a schema restricted to `choices`, plus null if `nullable`."""
    enum = {} if choices is None else {"enum": [to_json(choice) for choice in choices]}
    if not nullable:
        return {**schema, **enum}
    if enum:
        enum["enum"].append(None)
    return {**schema, "type": [schema["type"], "null"], **enum}


def records(cells: Mapping[str, Any], *, extra: bool | None = None) -> dict[str, Any]:
    """Return the schema of a non-empty list of objects with these members.

    `extra` says whether others are allowed, if that is worth saying. Without known members, at
    least one of the objects must not be empty.
    """
    if not cells:
        filled = {"type": "object", "minProperties": 1}
        return {"type": "array", "minItems": 1, "items": {"type": "object"}, "contains": filled}
    row: dict[str, Any] = {"type": "object", "properties": cells, "required": list(cells)}
    if extra is not None:
        row["additionalProperties"] = extra
    return {"type": "array", "minItems": 1, "items": row}


def numbers(dtype: np.dtype[Any] | None) -> dict[str, Any]:
    """Return the schema of a number in an array; null is NaN."""
    import numpy as np

    if dtype is None:
        return {"type": ["number", "boolean", "null"]}
    if dtype.kind == "b":
        return {"type": ["boolean", "integer"], "minimum": 0, "maximum": 1}
    if dtype.kind == "f":
        info = np.finfo(dtype)
        half_step = 2.0 ** (int(info.maxexp) - int(info.nmant) - 2)  # rounds down to the maximum
        edge = float(info.max) + half_step
        limits = {"exclusiveMinimum": -edge, "exclusiveMaximum": edge}
        return {"type": ["number", "null"], **(limits if dtype.itemsize < _DOUBLE else {})}
    integers = np.iinfo(dtype)
    return {"type": "integer", "minimum": int(integers.min), "maximum": int(integers.max)}


def lists(
    number: Mapping[str, Any], shape: Sequence[int | None] | None, *, min_length: int
) -> dict[str, Any]:
    """Return the schema of nested lists of numbers; `min_length` is for axes of any length.

    JSON Schema cannot require lists of equal length. Without a shape there are one or two levels.
    """
    if shape is None:
        row = {"type": "array", "items": number}
        return {"anyOf": [row, {"type": "array", "items": row}]}
    schema = dict(number)
    for length in reversed(shape):
        fixed = {"maxItems": length} if length else {}
        schema = {"type": "array", "minItems": length or min_length, **fixed, "items": schema}
    return schema
