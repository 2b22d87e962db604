"""What the page says, in each of its languages.

Braces are filled in by the templates and scripts. Nothing here is a plural: every language has
its own rules for those, and `Rows: 5` needs none.
"""

from __future__ import annotations

from collections.abc import Mapping

from .english import ENGLISH
from .russian import RUSSIAN

TEXTS: Mapping[str, Mapping[str, str]] = {"en": ENGLISH, "ru": RUSSIAN}
"""By language, the default first."""

LANGUAGES: Mapping[str, str] = {"en": "English", "ru": "Русский"}
"""The names of the languages, each in itself."""

FOR_SCRIPTS = "js_"
"""What the keys of scripts' texts begin with."""
