"""Values and names as messages have them: readable, encodable and short."""

from __future__ import annotations

import json
from collections.abc import Sequence
from math import isfinite
from numbers import Integral
from typing import Any

MAX_ERRORS = 20
"""Errors listed for one value."""
LONGEST_VALUE = 100
"""Characters of an invalid value that a response repeats."""
LONGEST_NAME, LONGEST_MESSAGE = 1_000, 10_000
"""Maximum characters of the place of an error, and of its message."""


def quoted(value: Any) -> str:
    """Return any value for a message: as in JSON, shortened to `LONGEST_VALUE` characters."""
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if not isinstance(value, str):
        return shortened(as_text(value))
    return shortened(json.dumps(as_text(value[: LONGEST_VALUE + 1]), ensure_ascii=False))


def as_text(value: Any) -> str:
    """Return any value as text that can be encoded; its type if it has no text."""
    try:
        text = str(value)
    except Exception:  # noqa: BLE001 - of an integer of 5,000 digits, or a class of the author
        text = f"a value of type {type(value).__name__}"
    # half of a surrogate pair is not a character
    return text if text.isascii() else text.encode(errors="backslashreplace").decode()


def shortened(text: str, longest: int = LONGEST_VALUE) -> str:
    """Return a text of at most `longest` characters, with a sign if there were more."""
    return text if len(text) <= longest else f"{text[:longest]}…"


def listed(names: Sequence[Any]) -> str:
    """Return names for a message: the first `MAX_ERRORS`, shortened; … if there are more."""
    first = [shortened(as_text(name)) for name in names[:MAX_ERRORS]]
    return ", ".join([*first, "…"] if len(names) > MAX_ERRORS else first)


def plain_value(value: Any) -> Any:
    """Return a value as it is if JSON holds it exactly, else as text; shortened if it is long."""
    if isinstance(value, str):
        return shortened(as_text(value[: LONGEST_VALUE + 1]))
    if isinstance(value, list | dict):
        text = shortened(as_text(value))
        return value if len(text) <= LONGEST_VALUE and _is_json(value) else text
    if _is_json(value):
        return value
    if isinstance(value, Integral) and _is_json(int(value)):  # NumPy's
        return int(value)
    return shortened(as_text(value))


def _is_json(value: Any, depth: int = LONGEST_VALUE) -> bool:
    """Return whether every JSON writer holds a value exactly; never if it is nested deeper."""
    if isinstance(value, dict):
        return all(isinstance(name, str) for name in value) and _is_json(
            [*value, *value.values()], depth
        )
    if isinstance(value, list):
        return depth > 0 and all(_is_json(item, depth - 1) for item in value)
    if isinstance(value, str):
        return as_text(value) == value
    if type(value) is int:
        return -(2**63) <= value < 2**64
    if type(value) is float:
        return isfinite(value)
    return value is None or isinstance(value, bool)
