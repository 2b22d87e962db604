"""Tables as JSON lines."""

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from tables import MIXED, fuzz

from mmf_core.codecs import Format, Kind, find
from mmf_core.codecs.table_jsonl import TableJSONL
from mmf_core.errors import RequestError

CODEC = TableJSONL()
TEXTS = st.text(st.characters(codec="utf-8"))


def test_codec_is_registered() -> None:
    assert isinstance(find(Kind.TABLE, Format.JSONL), TableJSONL)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(TEXTS, st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, width=32)),
        min_size=1,
        max_size=10,
    )
)
def test_tables_round_trip(rows: list[tuple[str, int, float]]) -> None:
    table = pd.DataFrame(rows, columns=["text", "n", "x"]).replace([float("inf"), -float("inf")], 0)
    assert_frame_equal(CODEC.decode(CODEC.encode(table, {}), {}), table, check_dtype=False)


def test_one_record_per_line() -> None:
    table = pd.DataFrame({"a": [2**53 + 1, 2], "b": ["two\nlines", None]})
    assert (
        CODEC.encode(table, {}) == b'{"a":9007199254740993,"b":"two\\nlines"}\n{"a":2,"b":null}\n'
    )


def test_accepts_empty_lines_and_any_line_ending() -> None:
    table = CODEC.decode(b'\n{"a":9007199254740993}\r\n\n  \n{"a":2}', {})
    assert table.to_dict("list") == {"a": [2**53 + 1, 2]}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b'{"a":1}\n{"a":\n', "line 2"),
        (b'{"a":1}{"a":2}', "line 1"),
        (b'{"a":1},\n{"a":2}', "line 1"),
        (b"[1]\n", "record"),
        (b"5", "record"),
        (b"\xff\xfe", "line 1"),
    ],
)
def test_invalid_line_is_named(data: bytes, words: str) -> None:
    with pytest.raises(RequestError, match=words):
        CODEC.decode(data, {})


def test_corrupted_lines_are_rejected_or_read() -> None:
    fuzz(CODEC, CODEC.encode(MIXED, {}))
