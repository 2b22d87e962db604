"""Plain values: what a tree is made of, whatever it travels in.

dict with str keys, list, str, number, bool and None, nested `MAX_DEPTH` deep at most.
"""

from __future__ import annotations

from typing import Any

from ..errors import InvalidValue
from . import json

MAX_DEPTH = 100
"""Deep enough for people's data, and for recursive functions to be safe."""

_LEAST, _MOST = -(2**63), 2**64 - 1  # of whole numbers, so that JSON can be written again
_PLAIN = {dict, list, str, int, float, bool, type(None)}


def bounded(tree: Any) -> Any:
    """Return a tree that JSON was read from; InvalidValue if it is nested too deeply."""
    level = [tree]
    for _ in range(MAX_DEPTH):
        level = [part for one in level for part in _parts(one) if type(part) in {dict, list}]
        if not level:
            return tree
    raise too_deep()


def checked(tree: Any) -> Any:
    """Return a tree of whatever origin; InvalidValue if something else is in it."""
    bounded(tree)
    level: list[Any] = [[tree]]
    while level:
        for kind in {type(part) for one in level for part in _parts(one)} - _PLAIN:
            raise InvalidValue(
                f"a {kind.__name__} has no place here; send it as a text, "
                "such as ISO 8601 for a date or base64 for bytes"
            )
        numbers = [part for one in level for part in _parts(one) if type(part) is int]
        if numbers and not (min(numbers) >= _LEAST and max(numbers) <= _MOST):
            raise InvalidValue("a whole number has 64 bits at most; send longer ones as texts")
        if not all(type(key) is str for one in level if type(one) is dict for key in one):
            raise InvalidValue("a name in an object is a text; write others in quotes")
        level = [part for one in level for part in _parts(one) if type(part) in {dict, list}]
    return tree


def too_deep() -> InvalidValue:
    """Return the error of every format for what is nested too deeply."""
    return InvalidValue(f"this is nested more than {MAX_DEPTH} levels deep")


def plain(value: Any) -> Any:
    """Return a result as its JSON would be read: arrays are lists, dates texts, NaN is None.

    TypeError or ValueError names what JSON has no way to write. So every format of trees says
    the same of one value.
    """
    return json.loads(json.dumps(value))


def _parts(one: Any) -> Any:
    if type(one) is dict:
        return one.values()
    return one if type(one) is list else ()
