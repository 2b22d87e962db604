"""Names that a JSON text gives twice in one object: in a table, two cells for one place.

The parser keeps the last of them. Whether there are any is seen from the number of colons: the
value, written again, has fewer. Only then is the text parsed once more, by Python's slower parser,
which reports them.
"""

from __future__ import annotations

import json as standard_json
from collections import Counter
from typing import Any

from ..errors import BodyTooLarge, ErrorDetail, InvalidValue, RequestError
from .byte_search import MIN_SIZE, count_signs
from .json_values import check_depth

_MOST_OBJECTS = 1_000_000


class RepeatedNames(dict[str, Any]):
    """An object that has a name twice; its last value counts, except in a table."""

    repeated = ""

    def error(self, row: int | None = None) -> InvalidValue:
        """Return the error that names the column."""
        name = self.repeated
        errors = [ErrorDetail("duplicate column", row=row, column=name)]
        return InvalidValue(f"duplicate columns: {name}", errors)


CONTAINERS = {list, dict, RepeatedNames}
"""The types of cells that have levels inside."""


def with_repeated_names(text: bytes, plain: Any) -> Any:
    """Return what a text has been parsed as, with `RepeatedNames` where it has a name twice."""
    if not repeats_names(text, plain):
        return plain
    del plain  # unless the caller keeps it, there is one of them at a time
    return parse(text)


def repeats_names(text: bytes, plain: Any) -> bool:
    """Return whether a text has more names than the value that was parsed from it.

    InvalidValue if the value is nested too deeply, BodyTooLarge if Python's parser would take too
    long.
    """
    colons = text.count(b":") if len(text) < MIN_SIZE else count_signs(text, b":")
    if colons == _count_names(plain) or colons + _escaped_colons(text) == _written(plain):
        return False
    if (objects := count_signs(text, b"{")) > _MOST_OBJECTS:
        raise BodyTooLarge(
            f"expected each name once in an object of JSON that has more than {_MOST_OBJECTS:,} "
            f"of them, got {objects:,} with a name twice; send each name once, or fewer objects"
        )
    return True


def _escaped_colons(text: bytes) -> int:
    """Count the colons that a text has as escapes, and its value, written again, as themselves."""
    if rb"\u003" not in text:
        return 0
    text = text.replace(rb"\\", b"")  # backslashes, not the beginning of an escape
    return text.count(rb"\u003a") + text.count(rb"\u003A")


def _written(plain: Any) -> int:
    """Count the colons of a value as JSON: those in texts, and one after each name."""
    import orjson

    try:
        return count_signs(orjson.dumps(plain), b":")
    except TypeError:  # a whole number of more than 64 bits, or 255 levels
        check_depth(plain)
        return standard_json.dumps(plain, check_circular=False).count(":")


def parse(text: bytes) -> Any:
    """Parse valid JSON exactly, and mark the objects that have a name twice."""
    try:
        return standard_json.loads(text, object_pairs_hook=_object)
    except RecursionError:
        raise RequestError("this JSON is nested too deeply") from None


def _count_names(plain: Any) -> int:
    """Return the number of names in objects; those inside cells may be missing."""
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
