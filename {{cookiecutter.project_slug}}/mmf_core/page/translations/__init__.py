"""The page's texts in each of its languages.

Templates and scripts fill in the braces. No text needs a plural, whose rules differ from language
to language: `Rows: 5` works in any.
"""

from __future__ import annotations

from collections.abc import Mapping

from .english import ENGLISH
from .russian import RUSSIAN

TEXTS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "ru": RUSSIAN}
"""Texts by language, the default first."""

LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский"}
"""The name of each language in that language."""

_JS_PREFIX = "js_"


def js_messages(language: str) -> Mapping[str, str]:
    """Return the texts of the scripts, by their keys without the prefix."""
    return {
        key.removeprefix(_JS_PREFIX): text
        for key, text in TEXTS[language].items()
        if key.startswith(_JS_PREFIX)
    }
