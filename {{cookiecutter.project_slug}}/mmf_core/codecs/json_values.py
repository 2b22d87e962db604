"""JSON values: dict with str keys, list, str, number, bool and None, nested `MAX_DEPTH` deep."""

from __future__ import annotations

from math import isfinite
from typing import Any, ClassVar

from ..errors import InvalidValue
from . import json
from .base import JSONCodec, Kind, Options
from .decoded_size import JSON_WEIGHTS
from .encoded_size import check_json_texts
from .json_overflow import not_finite_error

MAX_DEPTH = 100
"""Deep enough for people's data, and shallow enough for recursive functions."""

_AT_ONCE = 64
_CONTAINERS = (dict, list)
_TYPES = {dict, list, str, int, float, bool, type(None)}


class JSONValue(JSONCodec[Any]):
    """The values as they are; only their depth is checked, and the size of what is written."""

    kind = Kind.JSON
    memory_weights: ClassVar = JSON_WEIGHTS

    def from_plain(self, plain: Any, options: Options) -> Any:
        return check_depth(plain)

    def encode(self, value: Any, options: Options) -> bytes:
        check_json_texts(value, options)
        return super().encode(value, options)


def check_depth(value: Any) -> Any:
    """Return a value that was read from JSON; InvalidValue if it is nested too deeply."""
    _check_levels(_containers([[value]]), MAX_DEPTH)
    return value


def check_value(value: Any) -> Any:
    """Return a value of any origin; InvalidValue unless it is a JSON value.

    Infinity and NaN are none: a result would have null in their place.
    """
    check_depth(value)
    level: list[Any] = [[value]]
    while level:
        children = [child for container in level for child in _children(container)]
        types = set(map(type, children))
        for type_ in types - _TYPES:
            raise not_json(type_)
        if float in types and not all(isfinite(item) for item in children if type(item) is float):
            raise not_finite_error(value) or ValueError(value)
        keys = (key for container in level if type(container) is dict for key in container)
        if not all(type(key) is str for key in keys):
            raise InvalidValue("expected text for every name in an object; put others in quotes")
        level = _containers(level)
    return value


def not_json(type_: type) -> InvalidValue:
    """Return the error of every format for a value of a type that JSON does not have."""
    return InvalidValue(
        f"expected text, numbers, true, false and null, got a {type_.__name__}; "
        "send a date as ISO 8601 text and bytes as base64"
    )


def too_deep() -> InvalidValue:
    """Return the error of every format for a value that is nested too deeply."""
    return InvalidValue(f"expected at most {MAX_DEPTH} levels of nesting; send a flatter value")


def plain(value: Any) -> Any:
    """Return a result as its JSON would be read: arrays are lists, dates texts, NaN is None.

    TypeError or ValueError names a type that JSON cannot hold, so every format of JSON values
    reports the same error for the same value.
    """
    return json.loads(json.dumps(value))


def _check_levels(level: list[Any], left: int) -> None:
    """Refuse containers with more than `left` levels; a few at a time, which a cache holds."""
    while level:
        if not left:
            raise too_deep()
        for start in range(_AT_ONCE, len(level), _AT_ONCE):
            _check_levels(level[start : start + _AT_ONCE], left)
        level, left = _containers(level[:_AT_ONCE]), left - 1


def _containers(level: list[Any]) -> list[Any]:
    return [
        child
        for container in level
        for child in _children(container)
        if isinstance(child, _CONTAINERS)
    ]


def _children(container: Any) -> Any:
    if isinstance(container, dict):
        return container.values()
    return container if type(container) is list else ()
