"""Texts, names and shapes that a table can have: the rows of docs/fidelity.md."""

from __future__ import annotations

import pandas as pd
from fidelity import Kind
from fidelity_strategies import columns, headers, schema, texts, whole_numbers
from hypothesis import strategies as st

import mmf_core as mmf

_LETTERS = st.text(st.characters(codec="utf-8", categories=("L", "S")), min_size=1)
_CODES = st.integers(0, 999).map(lambda number: f"00{number}")
_NULLS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "<NA>")
_WORDS = st.sampled_from(["red", "white", "rosé"])
_TEXT = schema(str)
_MAYBE = schema(str | None)

TEXTS = [
    Kind("Cyrillic, emoji", columns(_LETTERS, "str", "Ёж 🦔", "👨‍👩‍👧"), _TEXT),
    Kind("leading zeros: 007", columns(_CODES, "str"), _TEXT),
    Kind("like a number: 1e5", texts("1e5", "-1.50", "+7", " 12", "5 "), _TEXT),
    Kind("like a long number", texts("9" * 30, "79161234567"), _TEXT),
    Kind("like a date", texts("2026-01-31", "2026-01-31T12:00:00Z", "31.01.2026", "1:30"), _TEXT),
    Kind("like a boolean: true", texts("true", "False", "TRUE"), _TEXT),
    Kind("like a null: NA", texts(*_NULLS), _TEXT),
    Kind("… among other texts", columns(_NULLS, "str", "red", "NA"), _TEXT),
    Kind("like infinity: inf", texts("inf", "-inf", "Infinity"), _TEXT),
    Kind("like a formula: =1+1", texts("=1+1", "+A1", "-A1", "@a", "=SUM(A1)"), _TEXT),
    Kind("empty", columns(_WORDS, "str", "", "red"), _TEXT),
    Kind("null", columns(_WORDS, "str", None, "red"), _MAYBE),
    Kind("empty and null", columns(_WORDS, "str", None, "", "red"), _MAYBE),
    Kind("line ends: LF", texts("a\nb", "\n", "a\n", "\na"), _TEXT),
    Kind("line ends: CR LF, CR", texts("\r", "a\r\nb", "a\r", "\r\n"), _TEXT),
    Kind("quotes, separators", texts('"', "'", "a,b", "a;b", "a\tb", '","', "<a>&amp;</a>"), _TEXT),
    Kind("spaces around", texts("  ", " a", "a ", "\ta\t", "\xa0"), _TEXT),
    Kind("control characters", texts("\x07", "\x1f", "a\x0bb"), _TEXT),
    Kind("NUL", texts("a\x00b", "\x00"), _TEXT),
    Kind("like an escape: _x000D_", texts("_x000D_", "&#13;", "\\n", "\\u0041"), _TEXT),
    Kind("longer than 32,767", columns(_WORDS, "str", "x" * 32_768), _TEXT),
]

_ALIKE = ("a", "A", "a.1", "a_1", "\u0430")
_SIGNS = ("цена", "my column", "a-b", "1st", "<&>", "🍷", 'a"b', "a,b", "a;b", " a", "a ")
_NO_CELLS = pd.DataFrame({"x": pd.Series([], dtype="float64"), "n": pd.Series([], dtype="str")})


def _nulls(rows: int) -> pd.DataFrame:
    return pd.DataFrame({"x": [float("nan")] * rows, "n": range(rows)})  # or no row would be left


def _numbers(_: pd.DataFrame) -> mmf.DataFrame:
    return mmf.DataFrame(schema={"x": float | None, "n": int})


SHAPES = [
    Kind("order of columns", headers("b", "a", "c"), whole_numbers),
    Kind("names: Cyrillic, spaces, signs", headers(*_SIGNS), whole_numbers),
    Kind("names alike: a, A, a.1", headers(*_ALIKE), whole_numbers),
    Kind("names like a number", headers("1", "2.5", "1e5", "-1"), whole_numbers),
    Kind("names like a null or a boolean", headers("NA", "null", "true", "nan"), whole_numbers),
    Kind("names with line ends", headers("a\nb", "a\n", "\r\n"), whole_numbers),
    Kind("an empty name", st.just(pd.DataFrame([[1, 2]], columns=["", "a"])), whole_numbers),
    Kind("rows of nulls", columns(_WORDS, "str", "red", None, None), _MAYBE),
    Kind("a column of nulls", st.integers(1, 3).map(_nulls), _numbers),
    Kind("no rows", st.just(_NO_CELLS)),
]
