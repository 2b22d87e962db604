"""The `charset` of a body: texts are converted to UTF-8, which all codecs read."""

from __future__ import annotations

from ...codecs import Format, charset_codec
from ...errors import RequestError, UnsupportedFormat

FORMATS = {Format.CSV, Format.TSV, Format.TEXT}
"""JSON is always UTF-8 (RFC 8259, 8.1), XML declares its encoding, the rest is binary."""
_UNCONVERTED = {"utf_8", "ascii"}


def to_utf8(data: bytes, charset: str) -> bytes:
    """Return a text in UTF-8.

    UnsupportedFormat for an unknown charset, RequestError if the text is not valid in it.
    """
    codec = charset_codec(charset)
    try:
        if codec in _UNCONVERTED:
            data.decode()  # else the codec of a table would guess another charset
            return data
        return data.decode(codec or "").encode()
    except LookupError:  # Python has codecs for base64 and others, which are not charsets
        raise UnsupportedFormat(f"unsupported charset {charset}; send the text in utf-8") from None
    except UnicodeError:
        raise RequestError(
            f"expected text in {charset}, got bytes that are not valid in it"
        ) from None
