"""Bodies as MLflow's scoring server tells and reads them: their Content-Type, and JSON with NaN."""

from __future__ import annotations

import json as standard_json
from typing import Any

from ..codecs import Format, json
from ..codecs.plain import bounded
from ..errors import RequestError, UnsupportedFormat

WRAPPERS = ("dataframe_split", "dataframe_records", "instances", "inputs")
FORMATS = {
    "text/csv": Format.CSV,
    "application/json": Format.JSON,
    "application/vnd.apache.parquet": Format.PARQUET,
}
_LITERALS = (b"NaN", b"Infinity")


def body_format(content_type: str) -> Format:
    """Return a body's format; UnsupportedFormat where MLflow refuses it: a quoted utf-8, too.

    Names of types are compared as they are, and no parameter but `charset=utf-8` is taken.
    """
    if found := FORMATS.get(content_type):  # the usual case
        return found
    media_type, *parameters = (part.strip() for part in content_type.split(";"))
    named = dict(parameter.partition("=")[::2] for parameter in parameters)
    if named.pop("charset", "utf-8").lower() != "utf-8":
        raise UnsupportedFormat("The scoring server only supports UTF-8")
    if named:
        raise UnsupportedFormat(f"Unrecognized content type parameters: {', '.join(named)}")
    if media_type not in FORMATS:
        raise UnsupportedFormat(
            f"This predictor only supports the following content types: "
            f"{', '.join(FORMATS)}. Got '{content_type}'."
        )
    return FORMATS[media_type]


def loads(body: bytes) -> dict[str, Any]:
    """Return the object that a body is; RequestError if it is anything else.

    Python's NaN and Infinity are read, which are no JSON, but what MLflow's own client sends.
    """
    try:
        plain = json.loads(body)
    except RequestError:
        if not any(literal in body for literal in _LITERALS):
            raise
        plain = _standard_loads(body)
    if not isinstance(plain, dict):
        raise RequestError(f"a JSON object with one of {', '.join(WRAPPERS)} is needed")
    return plain


def _standard_loads(body: bytes) -> Any:
    try:
        plain = standard_json.loads(body)
        bounded(plain)
        json.dumps(plain)  # whatever orjson could not have read is refused here
    except (ValueError, TypeError, RecursionError) as error:
        raise RequestError(f"this is not valid JSON: {error}") from None
    return plain
