"""The `charset` of a body: texts are converted to UTF-8, which all codecs read."""

from __future__ import annotations

import encodings
from encodings.aliases import aliases
from functools import cache
from pkgutil import iter_modules

from ...codecs import Format
from ...errors import RequestError, UnsupportedFormat

FORMATS = {Format.CSV, Format.TSV, Format.TEXT}
"""JSON is always UTF-8 (RFC 8259, 8.1), XML declares its encoding, the rest is binary."""
_UNCONVERTED = {"utf_8", "ascii"}
_PYTHONS_OWN = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}


def to_utf8(data: bytes, charset: str) -> bytes:
    """Return a text in UTF-8.

    UnsupportedFormat for an unknown charset, RequestError if the text is not valid in it.
    """
    name = encodings.normalize_encoding(charset).lower()
    codec = aliases.get(name, name)
    try:
        if codec in _UNCONVERTED:
            data.decode()  # else the codec of a table would guess another charset
            return data
        return data.decode(codec if codec in _charsets() else "").encode()
    except LookupError:  # Python has codecs for base64 and others, which are not charsets
        raise UnsupportedFormat(f"unsupported charset {charset}; send the text in utf-8") from None
    except UnicodeError:
        raise RequestError(
            f"expected text in {charset}, got bytes that are not valid in it"
        ) from None


@cache
def _charsets() -> set[str]:
    """Return the charsets of Python: it would import any other name, and remember it for ever."""
    return {module.name for module in iter_modules(encodings.__path__)} - _PYTHONS_OWN
