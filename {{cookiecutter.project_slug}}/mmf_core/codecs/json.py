"""JSON text to plain Python values and back: RFC 8259, by orjson.

NaN and infinity, which JSON cannot hold, are written as null.
"""

from __future__ import annotations

import json as standard_json
import re
import sys
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE
from typing import Any

from ..errors import RequestError
from .json_conversion import convert, to_plain
from .json_overflow import overflow_error
from .whole_numbers import has_many_digits

_DATE = re.compile(rb"-\d\dT\d\d:")
_LONG_INTEGER = re.compile(rb"""(?<![\w."+-])(?:-\d{19}|\d{20})\d*(?![\d.eE])""")
_TO_ZEROS = bytes.maketrans(b"123456789[:,-\t\r\n", b"000000000       ")
_DIGITS = 19
_ZEROS = b"0" * _DIGITS
_SPACE_AND_ZEROS = b" " + _ZEROS
_LONG_TEXT = 4096
_OVERFLOW = "number is infinity"  # orjson's words
_OTHER_KEYS = 20_000
"""Enough to replace all of the 2,048 keys that orjson keeps, each at a place found by its hash."""


def loads(data: bytes | str, *, has_long: bool | None = None) -> Any:
    """Read JSON; RequestError gives the line and column of the first error.

    InvalidValue lists the numbers that are too large for a float of 64 bits, by their places.

    Whole numbers are exact, however long; `has_long` spares the search for long ones. A byte order
    mark is skipped. Of members of one name the last one counts, as in Python and JavaScript.
    """
    import orjson

    text = data.encode(errors="surrogatepass") if isinstance(data, str) else data
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if text.startswith(BOM_UTF8):
            return loads(text.removeprefix(BOM_UTF8), has_long=has_long)
        if b"\0" in text[1:4] or text.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
            raise RequestError("expected JSON in UTF-8, got UTF-16 or UTF-32") from None
        if _OVERFLOW in str(error) and (overflow := overflow_error(text)):
            raise overflow from None
        raise RequestError(f"this is not valid JSON: {error}") from None
    if has_long is None:
        has_long = has_long_integers(text)
    return _exact(text) if has_long else value


def forget_keys() -> None:
    """Have orjson drop the keys of callers' documents that it keeps for the next one.

    Each may be all that is left of a megabyte that a large request has freed, and Python returns
    memory by the megabyte.
    """
    import orjson

    orjson.loads(orjson.dumps({str(number): 0 for number in range(_OTHER_KEYS)}))


def has_long_integers(text: bytes) -> bool:
    """Return whether JSON may have whole numbers of more than 64 bits, which orjson rounds."""
    if len(text) >= _LONG_TEXT and "numpy" in sys.modules:  # five times faster
        may_have = has_many_digits(text, _DIGITS)
    else:
        zeros = text.translate(_TO_ZEROS)
        may_have = _SPACE_AND_ZEROS in zeros or zeros.startswith(_ZEROS)
    return may_have and _LONG_INTEGER.search(text) is not None


def _exact(text: bytes) -> Any:
    """Read valid JSON with whole numbers of any length."""
    try:
        return standard_json.loads(text)
    except RecursionError:
        raise RequestError("this JSON is nested too deeply") from None


def dumps(value: Any) -> bytes:
    """Write JSON; whatever `json_conversion` lists may be anywhere inside.

    TypeError names the place and the type of a value that JSON cannot hold.
    """
    import orjson

    options = orjson.OPT_PASSTHROUGH_DATETIME  # orjson 3.13.0 writes ten milliseconds as a hundred
    try:
        text = orjson.dumps(value, convert, options | orjson.OPT_SERIALIZE_NUMPY)
        if b"T" not in text or not _DATE.search(text):
            return text
        # NumPy's dates are left to `convert`: orjson drops nanoseconds, and NaT becomes 1677.
        return orjson.dumps(value, convert, options)
    except TypeError:  # a name that is not text, a long integer, or an error without its place
        try:
            return orjson.dumps(to_plain(value), option=options)
        except RecursionError:
            raise TypeError("the result is nested too deeply, or holds itself") from None


def dumps_each(values: list[Any]) -> list[bytes]:
    """Write the cells of a column, each as JSON; faster than `dumps` for few numbers of NumPy's."""
    import orjson

    options = orjson.OPT_PASSTHROUGH_DATETIME
    try:
        return [orjson.dumps(value, convert, options) for value in values]
    except TypeError:
        return [dumps(value) for value in values]
