"""Names that a JSON text gives twice in one object: in a table, two cells for one place.

The parser keeps the last of them. Whether there may be any is seen from the number of colons; only
then is the text parsed once more, by Python's slower parser, which reports them.
"""

from __future__ import annotations

import json as standard_json
from collections import Counter
from typing import Any

from ..errors import ErrorDetail, InvalidValue, RequestError
from .byte_search import MIN_SIZE, count_pairs, count_signs

_SPACES = b" \t\n\r"


class RepeatedNames(dict[str, Any]):
    """An object that has a name twice; its last value counts, except in a table."""

    repeated = ""

    def error(self, row: int | None = None) -> InvalidValue:
        """Return the error that names the column."""
        name = self.repeated
        errors = [ErrorDetail("duplicate column", row=row, column=name)]
        return InvalidValue(f"duplicate columns: {name}", errors)


def with_repeated_names(text: bytes, plain: Any) -> Any:
    """Return what a text has been parsed as, with `RepeatedNames` where it has a name twice."""
    return parse(text) if may_repeat_names(text, plain) else plain


def may_repeat_names(text: bytes, plain: Any) -> bool:
    """Return whether a text may have more names than the value that was parsed from it."""
    count = _count_names(plain)
    colons = text.count(b":") if len(text) < MIN_SIZE else count_signs(text, b":")
    if colons == count:
        return False
    return count_pairs(text, b'"', b":") != count or count_pairs(text, _SPACES, b":") > 0


def parse(text: bytes) -> Any:
    """Parse valid JSON exactly, and mark the objects that have a name twice."""
    try:
        return standard_json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise RequestError("this JSON is nested too deeply") from None


def _count_names(plain: Any) -> int:
    """Return the number of names in objects; those deep inside cells may be missing."""
    if isinstance(plain, dict):
        return len(plain) + sum(map(_count_names, plain.values()))
    if isinstance(plain, list) and plain and isinstance(plain[0], dict):
        if set(map(type, plain)) == {dict}:
            return sum(map(len, plain))
        return sum(len(record) for record in plain if isinstance(record, dict))
    return 0


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) == len(pairs):
        return members
    marked = RepeatedNames(members)
    marked.repeated, _ = Counter(name for name, _ in pairs).most_common(1)[0]
    return marked
