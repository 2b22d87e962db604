"""Names of columns that a table has, compared with those that it lacks."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from ..errors import quoted

_MAX_NAMES, _MAX_COMPARED, _MAX_LENGTH = 10, 20, 40  # comparing names is slow
_MAX_LETTERS = 1_000
_CUTOFF = 0.75


def similar_names(missing: Sequence[str], others: Sequence[str]) -> dict[str, str]:
    """Return a missing name → one that the table has: ` Alcohol` or `alcool` for `alcohol`."""
    by_letters = {_letters(other): other for other in others}
    compared = [other for other in others[:_MAX_COMPARED] if len(other) <= _MAX_LENGTH]
    similar = {}
    for name in missing[:_MAX_NAMES]:
        close = get_close_matches(name, compared, n=1, cutoff=_CUTOFF)
        if other := by_letters.get(_letters(name)) or next(iter(close), None):
            similar[name] = other
    return similar


def describe_others(others: Sequence[str]) -> str:
    """Say which columns a table has instead, and what may be wrong with its header."""
    listed = f"{', '.join(map(quoted, others[:_MAX_NAMES]))}{', …' * (len(others) > _MAX_NAMES)}"
    # Readers of sheets and CSV give this name to a column without one.
    has_gap = any(other.startswith("Unnamed: ") for other in others)
    hint = "; the first row must be the column names, without a title above it" if has_gap else ""
    return f"the table has {listed} instead{hint}"


def _letters(name: str) -> str:
    """Return a name in small letters, without blanks and signs unless it has nothing else.

    Of a long one, the first letters: they are enough to suggest it.
    """
    name = name[:_MAX_LETTERS]
    return "".join(filter(str.isalnum, name)).casefold() or name
