"""JSON text to plain Python values and back: RFC 8259, by orjson.

NaN and infinity, which JSON has no way to write, go out as null.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import RequestError


def loads(data: bytes | str) -> Any:
    """Read JSON; RequestError says at which line and column it stops being JSON."""
    import orjson

    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise RequestError(f"this is not valid JSON: {error}") from None


def dumps(value: Any) -> bytes:
    """Write JSON. NumPy and pandas scalars and arrays are welcome anywhere inside.

    TypeError names the first type that JSON has no way to write.
    """
    import orjson

    options = (
        orjson.OPT_SERIALIZE_NUMPY
        | orjson.OPT_NON_STR_KEYS
        | orjson.OPT_PASSTHROUGH_DATETIME  # orjson 3.13.0 writes ten milliseconds as a hundred
    )
    try:
        return orjson.dumps(value, default=_plain, option=options)
    except orjson.JSONEncodeError as error:
        if "key" not in str(error):  # NumPy scalars as keys, as in {np.int64(0): 0.7}
            raise
        return orjson.dumps(_plain_keys(value), default=_plain, option=options)


def exact(value: Any) -> Any:
    """Return a whole number of more than 64 bits as its digits; anything else as it is.

    `dumps` writes it so; by itself it would refuse it.
    """
    if type(value) is not int or -(2**63) <= value < 2**64:
        return value
    import orjson

    return orjson.Fragment(str(value))


def _plain(value: Any) -> Any:
    """Turn what orjson does not know into what it does; no library is imported for it."""
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
            key.item() if hasattr(key, "item") else key: _plain_keys(part)
            for key, part in value.items()
        }
    if isinstance(value, list | tuple):
        return [_plain_keys(part) for part in value]
    return value
