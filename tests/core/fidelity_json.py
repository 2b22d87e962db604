"""Possible contents of a dict, and the outcomes of its round trip."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from fidelity import NO, REFUSED, Kind, Outcome, of_bare
from hypothesis import strategies as st


def _of(values: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Make dicts of a value, of a list of such, and of a dict with one."""
    return st.one_of(
        values.map(lambda value: {"x": value}),
        st.lists(values, min_size=1, max_size=3).map(lambda several: {"list": several}),
        values.map(lambda value: {"deep": {"er": [{"x": value}]}}),
    )


def _named(names: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[Any, Any]]:
    return st.dictionaries(names, st.booleans(), min_size=1, max_size=1)


def _any_of(*values: Any) -> st.SearchStrategy[dict[str, Any]]:
    return _of(st.sampled_from(values))


_FINITE = st.floats(allow_nan=False, allow_infinity=False).filter(
    lambda number: not number.is_integer()
)
_LETTERS = st.text(st.characters(codec="utf-8", categories=("L", "S")), min_size=1)
_AMBIGUOUS = [
    *("5", "007", "1e5", "+1", "0x1f", "1_000", "1:30", "true", "no", "null", "~", "NA", "nan"),
    *("2026-01-31", "=1+1", "<<", "- a", "a: b", "#", "&a", "*a", "!a", "|", "{}", "[]"),
]

KINDS = [
    Kind("whole numbers to 2^53", _of(st.integers(-(2**53), 2**53))),
    Kind("… beyond 2^53", _of(st.integers(2**53 + 1, 2**64 - 1))),
    Kind("… beyond 2^64", _of(st.integers(2**64))),
    Kind("floats, to the last bit", _of(_FINITE)),
    Kind("whole floats: 2.0", _any_of(2.0, -7.0, 1e300)),
    Kind("-0.0", _any_of(-0.0)),
    Kind("NaN, infinity", _any_of(math.nan, math.inf, -math.inf)),
    Kind("None, true, false", _any_of(None, True, False)),
    Kind("dates with times", _of(st.datetimes())),
    Kind("… with an offset", _of(st.datetimes(timezones=st.just(dt.UTC)))),
    Kind("dates", _of(st.dates())),
    Kind("times", _of(st.sampled_from([dt.time(12, 30), dt.time(0, 0, 0, 10_000)]))),
    Kind("Cyrillic, emoji", _of(st.sampled_from(["Ёж 🦔", "👨‍👩‍👧"]) | _LETTERS)),
    Kind("texts like something else", _any_of(*_AMBIGUOUS)),
    Kind("empty text", _any_of("")),
    Kind("line ends, tabs, spaces", _any_of("\n", "a\r\nb", "\r", "\t", " a ", "a\n\n")),
    Kind("quotes, brackets", _any_of('"', "'", "<a>&amp;</a>", "]]>", "\\n", "{{}}")),
    Kind("control characters", _any_of("\x00", "a\x07", "\x1b[0m", "\ufffe")),
    Kind("bytes", _any_of(b"", b"a")),
    Kind("empty lists and dicts", _any_of([], {}, [[]], [{}])),
    Kind("lists of one, of several types", _any_of([1.5], ["a"], [None, "a", 1.5, [0.5]])),
    Kind("tuples, NumPy arrays", _any_of((0.5, "a"), np.array([0.5, 1.5]), np.array([[0.5]]))),
    Kind("order of names", st.permutations("bacd").map(lambda names: dict.fromkeys(names, 0.5))),
    Kind("names: Cyrillic, spaces, empty", _named(st.sampled_from(["цена", "a b", "", "1", "<"]))),
    Kind("names: line ends", _named(st.sampled_from(["a\nb", "a\r", "\t"]))),
    Kind("a name that is a number", st.integers(0, 9).map(lambda name: {name: True})),
]


def _over(leaf: Callable[[Any], Any], value: Any) -> Any:
    """Return a JSON value whose leaves, names and arrays are changed, and nothing else."""
    if isinstance(value, dict):
        return {leaf(name): _over(leaf, part) for name, part in value.items()}
    return [_over(leaf, part) for part in value] if isinstance(value, list) else leaf(value)


def _as_list(leaf: Any) -> Any:
    leaf = leaf.tolist() if isinstance(leaf, np.ndarray) else leaf
    return list(leaf) if isinstance(leaf, tuple) else leaf


def _as_text(leaf: Any) -> Any:
    return (
        leaf.isoformat() if hasattr(leaf, "isoformat") else str(leaf) if type(leaf) is int else leaf
    )


def _as_null(leaf: Any) -> Any:
    return None if isinstance(leaf, float) and not math.isfinite(leaf) else leaf


def _changed(leaf: Callable[[Any], Any]) -> Callable[[Any, Any], bool]:
    return lambda received, sent: repr(received) == repr(_over(leaf, sent))


OUTCOMES = (
    Outcome("yes", "the same, of the same types", of_bare(_changed(lambda leaf: leaf))),
    Outcome(
        "values",
        "equal, but every number is a float, and names come in another order",
        of_bare(lambda received, sent: bool(received == sent)),
    ),
    Outcome("list", "a list of the same", of_bare(_changed(_as_list))),
    Outcome("text", "an equivalent text, ISO 8601 for dates", of_bare(_changed(_as_text))),
    Outcome("null", "null", of_bare(_changed(_as_null))),
    REFUSED,
    NO,
)
