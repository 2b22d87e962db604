"""Long numeric JSON read in pieces gives the same table as when read at once."""

import json as standard_json
from typing import Any

import orjson
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from mmf_core.codecs import fast_records, json
from mmf_core.codecs.table_json import TableJSON
from mmf_core.codecs.table_jsonl import TableJSONL
from mmf_core.errors import InvalidValue, RequestError

JSON, JSONL = TableJSON(), TableJSONL()
NUMBERS = (
    st.integers(-9, 9)
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_nan=False, allow_infinity=False)
)
ODD = st.none() | st.booleans() | st.text(max_size=3) | st.lists(st.just({}), max_size=2)
LONG = [{"a": place / 4, "b": -place, "c": None if place % 9 else place} for place in range(9_000)]


def _lines(records: list[Any]) -> bytes:
    return b"".join(json.dumps(record) + b"\n" for record in records)


@pytest.fixture(autouse=True)
def tiny_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_records, "MIN_SIZE", 0)
    monkeypatch.setattr(fast_records, "_PIECE_SIZE", 8)


@pytest.mark.parametrize("floats", [True, False])
@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(NUMBERS, st.floats(-9, 9), NUMBERS | ODD), min_size=1, max_size=9),
    names=st.lists(st.text("}{,[ ab", max_size=4), min_size=3, max_size=3, unique=True),
)
def test_fast_reader_equals_exact_reader(floats: bool, rows: list[Any], names: list[str]) -> None:
    records = [dict(zip(names, row, strict=True)) for row in rows]
    options = {"floats": True} if floats else {}
    expected = JSON.from_plain(records, options)
    for data in (json.dumps(records), standard_json.dumps(records, indent=2).encode()):
        assert_frame_equal(JSON.decode(data, options), expected)
    assert_frame_equal(JSONL.decode(_lines(records), options), expected)


def test_long_lists_use_the_fast_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    expected = JSON.from_plain(LONG, {})
    assert list(expected.dtypes) == ["float64", "int64", "float64"]
    for data, reader in ((orjson.dumps(LONG), "from_list"), (_lines(LONG), "from_lines")):
        assert len(data) > fast_records.MIN_SIZE
        table = getattr(fast_records, reader)(data, {})
        assert_frame_equal(table, expected)


def test_declared_floats_are_one_block() -> None:
    options = mmf.DataFrame(schema={"a": float, "b": float}).options
    table = JSON.decode(b'[{"a":1,"b":null},{"a":2,"b":3}]', options)
    assert_frame_equal(table, pd.DataFrame({"a": [1.0, 2.0], "b": [None, 3.0]}))


@pytest.mark.parametrize(
    "records",
    [
        [{"a": 1, "b": 2}, {"a": 3}],
        [{"a": 1}, {"a": 2, "b": 3}],
        [{"a": 0.5}, {"a": [0.5]}],
        [{"a": 0.5}, {"a": "0.5"}],
        [{"a": 1}, {"a": "},{"}],
        [{"a": 1}, {"a": [{}, {}]}],
        [{"a": 1}, {"a": 2**53 + 1}],
        [{"a": 0.5}, {"a": 2**53 + 1}],
        [{"a": 0.5}, {"a": 2**64}],
        [{"a": -(2**63) - 1}, {"a": -(2**63) - 2}],
        [{"a": None}, {"a": None}],
        [{"a": True}, {"a": False}],
        [{}, {}],
        [],
    ],
)
def test_other_values_use_the_exact_reader(records: list[Any]) -> None:
    assert fast_records.from_list(json.dumps(records), {}) is None
    assert fast_records.from_lines(_lines(records), {}) is None
    assert_frame_equal(JSON.decode(json.dumps(records), {}), JSON.from_plain(records, {}))


@pytest.mark.parametrize(
    "data",
    [
        b'[{"a":1},{"a":2},]',
        b'[{"a":1},{"a":2}',
        b'[{"a":1},{"a":2}]]',
        b'[{"a":1},{"a":2}],[{"a":3},{"a":4}]',
        b'[[{"a":1},{"a":2}],[{"a":3},{"a":4}]]',
        b'[{"a":1},\x00{"a":2}]',
        b'[{"a":1}, 5, {"a":2}, "a"]',
    ],
)
def test_rejects_invalid_lists(data: bytes) -> None:
    with pytest.raises((RequestError, InvalidValue)):
        JSON.decode(data, {})


@pytest.mark.parametrize("number", [1, 1.5])
def test_key_order_does_not_matter(number: float) -> None:
    records = [{"a": number, "b": 2}, {"b": 3, "a": number}]
    expected = JSON.from_plain(records, {})
    for data, reader in ((json.dumps(records), "from_list"), (_lines(records), "from_lines")):
        assert_frame_equal(getattr(fast_records, reader)(data, {}), expected)


@settings(deadline=None)
@given(
    texts=st.lists(
        st.sampled_from(
            [
                *('{"a":1}', '{"a":1.5}', '{"a":[{}]}', '{"a":"x"}', '{"a":1,"a":2}', '"},{":1'),
                *("\n", "\r", "\r\n", " ", ",", "{", "}", '"', "[", "]", "\x0b"),
            ]
        ),
        max_size=12,
    ),
    size=st.sampled_from([1, 8, 1 << 16]),
)
@example(texts=['{"a":1}', ",", '{"a":1.5}', "\n", '{"a":', "\n", "1}"], size=1)
@example(texts=['{"a":1,"b":2},{"a":1', "\n", '"b":2}'], size=1 << 16)
@example(texts=['{"},{":1},{"},{":2}', "\n", '{"}', "\n", '{":3}'], size=1 << 16)
def test_each_line_is_one_record(texts: list[str], size: int) -> None:
    """Lines read together are what each line is by itself."""
    data = "".join(texts).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fast_records, "MIN_SIZE", 1 << 30)
        expected = _outcome(data)
        patch.setattr(fast_records, "MIN_SIZE", 0)
        patch.setattr(fast_records, "_PIECE_SIZE", size)
        assert _outcome(data) == expected


def _outcome(data: bytes) -> object:
    try:
        table = JSONL.decode(data, {})
    except RequestError as error:
        return str(error)
    return table.to_dict("list"), table.dtypes.tolist()


@pytest.mark.parametrize("data", [b'{"a":1\n"b":2}', b'{"a":1},{"a":2}\n', b'{"a":1}\n{"a":\n2}'])
def test_invalid_line_is_named(data: bytes) -> None:
    with pytest.raises(RequestError, match="line"):
        JSONL.decode(b'{"a":0}\n' + data, {})
