"""XML 1.0 as text: what a caller may declare in it, and the characters that it cannot hold."""

from __future__ import annotations

import re
from typing import Any

from ..errors import BodyTooLarge, shortened
from .charset_names import charset_codec

_MOST_NAMESPACE = 50_000_000
"""The characters of the longest namespace, times the names that may have it before them."""
_USUAL_NAMESPACE = 256
"""The characters of one that is not long for any number of names."""
_NAMESPACE = re.compile(rb"""\sxmlns[^\s=<>"']*+\s*+=\s*+(?:"([^"<]*+)|'([^'<]*+))""")

_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def new_parser(data: bytes, target: Any = None) -> Any:
    """Return a parser to be fed with this XML, which refuses DTDs and with them entities.

    BodyTooLarge for a long namespace, which the parser puts before the name of each element and
    attribute. It raises LookupError for an encoding that is not one of Python's charsets, of which
    Python would remember each name for ever.
    """
    from defusedxml.ElementTree import DefusedXMLParser

    text = data.replace(b"\0", b"") if b"\0" in data else data  # of UTF-16, what is ASCII
    longest = max((len(uri) for uris in _NAMESPACE.findall(text) for uri in uris), default=0)
    names = text.count(b"<") + text.count(b"=")
    if longest > _USUAL_NAMESPACE and longest * names > _MOST_NAMESPACE:
        raise BodyTooLarge(
            f"expected the longest XML namespace, multiplied by the elements and attributes, to be "
            f"at most {_MOST_NAMESPACE:,} characters, got a namespace of {longest:,}; "
            f"send names without a prefix"
        )
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    parser.parser.XmlDeclHandler = _check_declaration
    return parser


def _check_declaration(_version: str, encoding: str | None, _is_standalone: int) -> None:
    if encoding and charset_codec(encoding) is None:
        raise LookupError(f"unknown encoding: {shortened(encoding)}")


def replace_invalid(text: str) -> str:
    """Return the text with U+FFFD in place of each character that XML cannot hold."""
    return _INVALID.sub("\N{REPLACEMENT CHARACTER}", text)


def check_characters(text: str) -> None:
    """Raise ValueError if XML cannot hold a character of the text."""
    if invalid := _INVALID.search(text):
        raise ValueError(f"XML cannot hold the character {invalid[0]!r}")
