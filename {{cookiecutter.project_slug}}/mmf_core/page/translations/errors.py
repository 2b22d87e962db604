"""Errors of the service in the page's words: a catalogue by message, as gettext has it.

A key is the English message with placeholders in braces, and the translation has them in any
order. What stands for `{phrase}` or `{rest}` is translated in turn, media types for `{formats}`
become names of formats, anything else stays. The longest key counts. A message of several, joined
by "; ", is translated part by part. What is unknown stays, such as an author's own message.

Anyone may send any text here: no step takes more than linear time for each key.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cache

from ...codecs import Format
from .english_errors import ENGLISH_ERRORS
from .formats import format_label
from .russian_errors import RUSSIAN_ERRORS

CATALOGUES: Mapping[str, Mapping[str, str]] = {"en": ENGLISH_ERRORS, "ru": RUSSIAN_ERRORS}
MAX_TEXTS, MAX_TEXT = 50, 4_000  # a response lists 20 errors; more is left as it is
_MAX_PARTS, _MAX_DEPTH = 6, 4
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*+"')
_PLACEHOLDER = re.compile(r"\{(\w+)\}")


def translate_errors(texts: Iterable[str], language: str) -> list[str]:
    """Return messages in a language; the rest unchanged beyond `MAX_TEXTS`."""
    return [
        _translate(text, language) if place < MAX_TEXTS and len(text) <= MAX_TEXT else text
        for place, text in enumerate(texts)
    ]


def _translate(text: str, language: str, depth: int = 0) -> str:
    if depth > _MAX_DEPTH:
        return text
    if (whole := _match(text, language, depth)) is not None:
        return whole
    parts = text.split("; ", _MAX_PARTS)
    for count in range(len(parts) - 1, 0, -1):
        head = _match("; ".join(parts[:count]), language, depth)
        if head is not None:
            return f"{head}; {_translate('; '.join(parts[count:]), language, depth + 1)}"
    where, colon, rest = text.partition(": ")  # an argument's name, of several
    if colon and (translated := _translate(rest, language, depth + 1)) != rest:
        return f"{where}: {translated}"
    return text


def _match(text: str, language: str, depth: int) -> str | None:
    for key, (literals, names) in _keys(language).items():
        if (placeholders := _placeholders(text, literals)) is None:
            continue
        values = dict(zip(names, placeholders, strict=True))
        if any(_has_end(value) for name, value in values.items() if not name.startswith("rest")):
            continue
        parts = _PLACEHOLDER.split(CATALOGUES[language][key])
        parts[1::2] = [_value(name, values[name], language, depth) for name in parts[1::2]]
        return "".join(parts)
    return None


def _placeholders(text: str, literals: list[str]) -> list[str] | None:
    """Return what is between the literals of a key; None if they are not all there, in order."""
    first, *others = literals
    if not text.startswith(first) or (not others and text != first):
        return None
    values, start = [], len(first)
    for place, literal in enumerate(others, start=1):
        if place == len(others):
            end = len(text) - len(literal)
            if end <= start or not text.endswith(literal):
                return None
        elif (end := text.find(literal, start + 1)) < 0:
            return None
        values.append(text[start:end])
        start = end + len(literal)
    return values


@cache
def _keys(language: str) -> dict[str, tuple[list[str], list[str]]]:
    """Return the literals and the placeholders of each key, of the longest literals first."""
    split = {key: _PLACEHOLDER.split(key) for key in CATALOGUES[language]}
    keys = {key: (parts[::2], parts[1::2]) for key, parts in split.items()}
    return dict(sorted(keys.items(), key=lambda item: -sum(map(len, item[1][0]))))


def _has_end(value: str) -> bool:
    """Return whether a message of several ends within a text, which is not in its quotes."""
    return "; " in value and "; " in _QUOTED.sub("", value)


def _value(name: str, value: str, language: str, depth: int) -> str:
    if name.startswith(("phrase", "rest")):
        return _translate(value, language, depth + 1)
    if name == "formats":
        formats = [Format.of_media_type(media_type) for media_type in value.split(", ")]
        return ", ".join(dict.fromkeys(format_label(item.extension) for item in formats if item))
    return value
