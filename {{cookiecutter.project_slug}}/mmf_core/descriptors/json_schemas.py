"""Pieces of JSON Schema 2020-12, for what descriptors say of their values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

NUMBER: dict[str, Any] = {"type": "number"}
MOMENT: dict[str, Any] = {  # RFC 3339's, or the same without an offset, by OpenAPI's name for it
    "type": "string",
    "anyOf": [{"format": "date-time"}, {"format": "date-time-local"}],
}
BASE64: dict[str, Any] = {
    "type": "string",
    "contentEncoding": "base64",
    "pattern": "^([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
}
_LIMITS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}
_DOUBLE = 8  # bytes of the widest number that JSON's readers know


def plain(value: Any) -> Any:
    """Return a value as JSON has it: a date as a text."""
    return value.isoformat() if isinstance(value, datetime) else value


def limits(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the bounds of a number; JSON Schema has none for dates."""
    return {
        _LIMITS[name]: bound
        for name, bound in bounds.items()
        if not isinstance(bound, datetime) and isfinite(bound)
    }


def chosen(
    schema: Mapping[str, Any], choices: Iterable[Any] | None, *, nullable: bool = False
) -> dict[str, Any]:
    """Return a schema with the only values that there may be, and null where that is one."""
    listed = {} if choices is None else {"enum": [plain(one) for one in choices]}
    if not nullable:
        return {**schema, **listed}
    if listed:
        listed["enum"].append(None)
    return {**schema, "type": [schema["type"], "null"], **listed}


def records(cells: Mapping[str, Any], *, extra: bool = True) -> dict[str, Any]:
    """Return a list of objects, one at least, all with these members.

    Where no member is known one of the objects has to have some.
    """
    if not cells:
        some = {"type": "object", "minProperties": 1}
        return {"type": "array", "minItems": 1, "items": {"type": "object"}, "contains": some}
    row: dict[str, Any] = {"type": "object", "properties": cells, "required": list(cells)}
    if not extra:
        row["additionalProperties"] = False
    return {"type": "array", "minItems": 1, "items": row}


def numbers(dtype: np.dtype[Any] | None) -> dict[str, Any]:
    """Return what a number of an array is; null is NaN."""
    import numpy as np

    if dtype is None:
        return {"type": ["number", "boolean", "null"]}
    if dtype.kind == "b":
        return {"type": ["boolean", "integer"], "minimum": 0, "maximum": 1}
    if dtype.kind == "f":
        info = np.finfo(dtype)
        half = 2.0 ** (int(info.maxexp) - int(info.nmant) - 2)  # of a step: it is rounded away
        edge = float(info.max) + half
        narrow = {"exclusiveMinimum": -edge, "exclusiveMaximum": edge}
        return {"type": ["number", "null"], **(narrow if dtype.itemsize < _DOUBLE else {})}
    whole = np.iinfo(dtype)
    return {"type": "integer", "minimum": int(whole.min), "maximum": int(whole.max)}


def lists(
    number: Mapping[str, Any], shape: Sequence[int | None] | None, *, least: int
) -> dict[str, Any]:
    """Return lists of lists of numbers; `least` is the length of those of any length.

    JSON Schema cannot say that lists are equally long. Without a shape it is one or two levels.
    """
    if shape is None:
        row = {"type": "array", "items": number}
        return {"anyOf": [row, {"type": "array", "items": row}]}
    schema = dict(number)
    for length in reversed(shape):
        fixed = {"maxItems": length} if length else {}
        schema = {"type": "array", "minItems": length or least, **fixed, "items": schema}
    return schema
