"""A duplicate JSON name is an error in a table; elsewhere its last value counts."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.codecs import Format, Kind, find, repeated_names, with_repeated_names
from mmf_core.codecs.fast_records import MIN_SIZE
from mmf_core.codecs.repeated_names import RepeatedNames
from mmf_core.errors import BodyTooLarge, InvalidValue

LONG = ",".join(['{"a":1,"b":2}'] * (MIN_SIZE // 10))


def decode(format_: Format, text: str) -> Any:
    codec = find(Kind.TABLE, format_)
    assert codec is not None
    return codec.decode(text.encode(), {})


@pytest.mark.parametrize(
    ("format_", "text", "row"),
    [
        (Format.JSON, '[{"a": 1, "a": 2}]', 0),
        (Format.JSON, '[{"a" :1,"a":2}]', 0),
        (Format.JSON, '[{"b":1,"a":1},{"a":":","a":"2:3","b":0}]', 1),
        (Format.JSON, '[{"a":1,"\\u0061":2}]', 0),
        (Format.JSON, '[{"a":"\\u003a","a":2}]', 0),
        (Format.JSON, '[{"a":{"b":"\\u003A"},"a":2}]', 0),
        (Format.JSON, '[{"a":{"b":"\\\\u003a"},"a":2}]', 0),
        (Format.JSON, '[{"a":{"b":123456789012345678901234},"a":2}]', 0),
        (Format.JSON, '{"a":[1],"b":[0],"a":[2]}', None),
        (Format.JSON, '{"dataframe_records":[{"a":1},{"a":1,"a":2}]}', 1),
        (Format.JSON, f'[{LONG},{{"a":1,"a":2,"b":3}}]', LONG.count("}")),
        (Format.JSONL, '{"a":1}\n{"a":1,"a":2}\n', 1),
        (Format.JSONL, f'{{"a":1,"a":2,"b":3}}\n{LONG.replace("},", "}" + chr(10))}', 0),
    ],
)
def test_rejects_duplicate_names_in_records(format_: Format, text: str, row: int | None) -> None:
    with pytest.raises(InvalidValue, match="duplicate columns: a") as caught:
        decode(format_, text)
    assert [(detail.row, detail.column) for detail in caught.value.errors] == [(row, "a")]


@pytest.mark.parametrize(
    "text",
    ['[{"a": "12:30", "b": "x\\":y"}]', '[{"a" : 1}]', '[{"a": {"c": 1, "d": {"c": 2}}}]', "[]"],
)
def test_colons_in_texts_are_ignored(text: str) -> None:
    assert decode(Format.JSON, text).to_dict("records") == json.loads(text)


NAMES = st.text('ab:"\\ ', max_size=2)
CELLS = st.none() | st.integers(-9, 9) | st.text('":{ ,', max_size=4)


@given(
    st.lists(st.lists(st.tuples(NAMES, CELLS), max_size=4), max_size=4),
    st.sampled_from([":", ": ", " :", "\n:", "\t :"]),
)
def test_objects_with_duplicate_names_are_marked(
    records: list[list[tuple[str, Any]]], colon: str
) -> None:
    members = [
        [json.dumps(name) + colon + json.dumps(cell) for name, cell in record] for record in records
    ]
    text = "[" + ",".join("{" + ",".join(record) + "}" for record in members) + "]"
    plain = with_repeated_names(text.encode(), json.loads(text))
    assert plain == json.loads(text)
    assert [isinstance(record, RepeatedNames) for record in plain] == [
        len(dict(record)) < len(record) for record in records
    ]


def chains(depth: int, cell: str = "1", rows: int = 3) -> str:
    """Return a table of nested objects."""
    return "[" + ",".join(['{"a":' * depth + cell + "}" * depth] * rows) + "]"


@pytest.mark.parametrize(
    "cell", ["1", '"12:30"', '"\\u003a"', '"\\\\u003a \\\\\\u003A"', "9" * 40], ids=len
)
def test_nested_objects_do_not_need_the_python_parser(
    cell: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = chains(90, cell)
    monkeypatch.setattr(repeated_names, "parse", None)
    assert decode(Format.JSON, text).to_dict("records") == json.loads(text)


def test_python_parser_limits_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repeated_names, "_MOST_OBJECTS", 7)
    lines = ['{"a":{"b":{}}}', '{"a":{"b":{"c":1,"c":{}}}}', '{"a":1}']
    text = f"[{','.join(lines[:2])}]"
    assert decode(Format.JSON, text).to_dict("records") == json.loads(text)
    for format_, text in ((Format.JSON, f"[{','.join(lines)}]"), (Format.JSONL, "\n".join(lines))):
        with pytest.raises(BodyTooLarge, match="more than 7 of them, got 8 with a name twice"):
            decode(format_, text)


@pytest.mark.parametrize("wrap", ['{"x":1,"x":%s}', '[{"x":1,"x":%s}]', '{"y":{"x":1,"x":%s}}'])
def test_objects_with_duplicate_names_have_limited_depth(wrap: str) -> None:
    for depth in (300, 120):
        with pytest.raises(InvalidValue, match="levels of nesting"):
            decode(Format.JSON, '[{"a":%s}]' % (wrap % chains(depth)))
    assert len(decode(Format.JSON, '[{"a":%s}]' % (wrap % chains(90)))) == 1
