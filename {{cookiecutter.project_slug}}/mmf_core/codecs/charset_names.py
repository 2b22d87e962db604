"""The names of charsets that a caller may choose for a text."""

from __future__ import annotations

import encodings
from encodings.aliases import aliases
from functools import cache
from pkgutil import iter_modules

_LONGEST_NAME = 40
_PYTHONS_OWN = {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined"}


def charset_codec(name: str) -> str | None:
    """Return the name of Python's codec for a charset; None if it has none."""
    if len(name) > _LONGEST_NAME:  # Python would look at each character
        return None
    normalized = encodings.normalize_encoding(name).lower()
    codec = aliases.get(normalized, normalized)
    return codec if codec in _charsets() else None


@cache
def _charsets() -> set[str]:
    """Return the charsets of Python: it would import any other name, and remember it for ever."""
    return {module.name for module in iter_modules(encodings.__path__)} - _PYTHONS_OWN
