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

_JS_PREFIX, _PANEL_PREFIX = "js_", "panel_"


def js_messages(language: str) -> Mapping[str, str]:
    """Return the texts of the scripts, by their keys without the prefix."""
    return _with_prefix(_JS_PREFIX, language)


def panel_messages(language: str) -> Mapping[str, str]:
    """Return the texts of what capabilities show, in the same way."""
    return _with_prefix(_PANEL_PREFIX, language)


def _with_prefix(prefix: str, language: str) -> Mapping[str, str]:
    return {
        key.removeprefix(prefix): text
        for key, text in TEXTS[language].items()
        if key.startswith(prefix)
    }
