"""A plan as TOML: tables of texts, numbers, lists, and one level of tables in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..codecs import json

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def toml_of(document: Mapping[str, Mapping[str, Any]]) -> str:
    """Return text that tomllib reads as this document."""
    lines = []
    for name, table in document.items():
        nested = {key: value for key, value in table.items() if isinstance(value, dict)}
        lines += [f"[{name}]", *_lines({k: v for k, v in table.items() if k not in nested}), ""]
        for key, value in nested.items():
            lines += [f"[{name}.{key}]", *_lines(value), ""]
    return "\n".join(lines)


def _lines(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_toml(value)}" for key, value in table.items()]


def _toml(value: Any) -> str:
    """Write a value as TOML does: texts are quoted as in JSON, and DEL as well."""
    if isinstance(value, tuple | list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return _quoted(value) if isinstance(value, str) else repr(value)


def _key(text: str) -> str:
    return text if _BARE.fullmatch(text) else _quoted(text)


def _quoted(text: str) -> str:
    return json.dumps(text).decode().replace("\x7f", "\\u007f")
