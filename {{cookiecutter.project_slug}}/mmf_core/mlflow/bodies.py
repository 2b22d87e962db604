"""Bodies as MLflow's scoring server reads them: by Content-Type, and JSON that may hold NaN."""

from __future__ import annotations

import json as standard_json
from typing import Any

from ..codecs import (
    MLFLOW_WRAPPERS,
    RECORD_WEIGHTS,
    Format,
    Kind,
    Options,
    check_depth,
    json,
    read_json,
    readable,
)
from ..errors import BodyTooLarge, RequestError, UnsupportedFormat

FORMATS = {
    "text/csv": Format.CSV,
    "application/json": Format.JSON,
    "application/vnd.apache.parquet": Format.PARQUET,
}
_WEIGHTS = {**RECORD_WEIGHTS, b",": 220}
"""A bare value becomes a row, and a text with NaN is read by Python's own parser."""
_LITERALS = (b"NaN", b"Infinity")


def body_format(content_type: str) -> Format:
    """Return a body's format; UnsupportedFormat if MLflow rejects it, even a quoted utf-8.

    Media types are compared as they are, and the only parameter accepted is `charset=utf-8`.
    """
    if format := FORMATS.get(content_type):  # the usual case
        return format
    media_type, *texts = (part.strip() for part in content_type.split(";"))
    parameters = dict(text.partition("=")[::2] for text in texts)
    if parameters.pop("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedFormat("The scoring server only supports UTF-8")
    if parameters:
        raise UnsupportedFormat(f"Unrecognized content type parameters: {', '.join(parameters)}")
    if media_type not in FORMATS:
        offered = readable(Kind.TABLE)
        supported = [name for name, format in FORMATS.items() if format in offered]
        raise UnsupportedFormat(
            f"This predictor only supports the following content types: "
            f"{', '.join(supported)}. Got '{content_type}'."
        )
    return FORMATS[media_type]


def readable_formats(kind: Kind) -> list[Format]:
    """Return the formats in which MLflow's protocol can send a value of this kind."""
    offered = readable(kind)
    return [format for format in FORMATS.values() if format in offered or format is Format.JSON]


def loads(body: bytes, options: Options) -> dict[str, Any]:
    """Return the object in a body; RequestError if it holds anything else, or too much.

    Python's NaN and Infinity are read too: they are not JSON, but MLflow's own client sends them.
    """
    try:
        plain = read_json(body, options, _WEIGHTS)
    except BodyTooLarge:
        raise
    except RequestError:
        if not any(literal in body for literal in _LITERALS):
            raise
        plain = _standard_loads(body)
    if not isinstance(plain, dict):
        raise RequestError(f"expected a JSON object with one of {', '.join(MLFLOW_WRAPPERS)}")
    return plain


def _standard_loads(body: bytes) -> Any:
    try:
        plain = standard_json.loads(body)
        check_depth(plain)
        json.dumps(plain)  # rejects everything else that orjson could not have read
    except (ValueError, TypeError, RecursionError) as error:
        raise RequestError(f"invalid JSON: {error}") from None
    return plain
