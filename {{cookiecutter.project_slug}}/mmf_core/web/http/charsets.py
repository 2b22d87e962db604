"""The `charset` of a body: texts in any of them become the UTF-8 that codecs read."""

from __future__ import annotations

import encodings
from encodings.aliases import aliases
from functools import cache
from pkgutil import iter_modules

from ...codecs import Format
from ...errors import RequestError, UnsupportedFormat

FORMATS = {Format.CSV, Format.TSV, Format.TEXT}
"""JSON is always UTF-8 (RFC 8259, 8.1), XML says itself what it is in, the rest is no text."""
_AS_IT_IS = {"utf_8", "ascii"}  # whoever reads UTF-8 tells better what is wrong with it
_PYTHONS_OWN = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}


def to_utf8(data: bytes, charset: str) -> bytes:
    """Return a text in UTF-8.

    UnsupportedFormat if nobody knows the charset, RequestError if the text is not in it.
    """
    name = encodings.normalize_encoding(charset).lower()
    codec = aliases.get(name, name)
    if codec in _AS_IT_IS:
        return data
    try:
        return data.decode(codec if codec in _charsets() else "").encode()
    except LookupError:  # base64 and its like are codecs, too, but of no text
        raise UnsupportedFormat(
            f"charset={charset} is not known here; send the text in utf-8"
        ) from None
    except UnicodeError:
        raise RequestError(f"this text is not {charset}, as its Content-Type says") from None


@cache
def _charsets() -> set[str]:
    """Return what Python ships: any other name would be imported, and remembered for ever."""
    return {module.name for module in iter_modules(encodings.__path__)} - _PYTHONS_OWN
