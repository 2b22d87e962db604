"""The characters that XML 1.0 cannot hold: all but those of its production 2."""

from __future__ import annotations

import re

_INVALID = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def replace_invalid(text: str) -> str:
    """Return the text with U+FFFD in place of each character that XML cannot hold."""
    return _INVALID.sub("\N{REPLACEMENT CHARACTER}", text)


def check_characters(text: str) -> None:
    """Raise ValueError if XML cannot hold a character of the text."""
    if invalid := _INVALID.search(text):
        raise ValueError(f"XML cannot hold the character {invalid[0]!r}")
