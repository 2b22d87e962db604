"""JSON text to plain Python values and back: RFC 8259, by orjson.

NaN and infinity, which JSON cannot hold, are written as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import RequestError


def loads(data: bytes | str) -> Any:
    """Read JSON; RequestError gives the line and column of the first error."""
    import orjson

    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"this is not valid JSON: {error}") from None


def dumps(value: Any) -> bytes:
    """Write JSON; NumPy and pandas scalars and arrays may be anywhere inside.

    TypeError names the first type that JSON cannot hold.
    """
    import orjson

    options = (
        orjson.OPT_SERIALIZE_NUMPY
        | orjson.OPT_NON_STR_KEYS
        | orjson.OPT_PASSTHROUGH_DATETIME  # orjson 3.13.0 writes ten milliseconds as a hundred
    )
    try:
        return orjson.dumps(value, default=_convert, option=options)
    except orjson.JSONEncodeError as error:
        if "key" not in str(error):  # NumPy scalars as keys, as in {np.int64(0): 0.7}
            raise
        return orjson.dumps(_plain_keys(value), default=_convert, option=options)


def exact(value: Any) -> Any:
    """Wrap an integer of more than 64 bits for `dumps`; return anything else as it is.

    `dumps` refuses such a number unless it is wrapped like this.
    """
    if type(value) is not int or -(2**63) <= value < 2**64:
        return value
    import orjson

    return orjson.Fragment(str(value))


def _convert(value: Any) -> Any:
    """Convert a type that orjson lacks to one that it has, without importing any library."""
    if type(value).__name__ in {"NaTType", "NAType"}:  # pandas' nulls; comparing them raises
        return None
    for convert in ("tolist", "isoformat"):
        if hasattr(value, convert):
            return getattr(value, convert)()
    if isinstance(value, set | frozenset):
        return list(value)
    raise TypeError(f"a {type(value).__name__} cannot be written as JSON")


def _plain_keys(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            key.item() if hasattr(key, "item") else key: _plain_keys(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain_keys(item) for item in value]
    return value
