"""Dicts and other trees as JSON, XML, YAML, MessagePack and protobuf."""

import random
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from time import perf_counter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorProto
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from hypothesis import given, settings
from hypothesis import strategies as st

import mmf_core as mmf
from cpu_time import at_most
from long_parameters import long_except
from mmf_core.codecs import Codec, Format, Kind, find, formats
from mmf_core.codecs.json_overflow import overflow_error
from mmf_core.codecs.json_values import MAX_DEPTH
from mmf_core.errors import (
    BodyTooLarge,
    DescriptorError,
    InvalidValue,
    MissingPackage,
    RequestError,
)
from mmf_core.settings import MIB

FORMS = [Format.JSON, Format.XML, Format.YAML, Format.MSGPACK, Format.PROTOBUF]
LOSSLESS = FORMS[:-1]
TREE = {
    "name": "Бароло",
    "empty": "",
    "year": 2019,
    "alcohol": 13.5,
    "old": True,
    "nothing": None,
    "1st & <last>": {"": {}, "list": []},
    "like others": ["5", "1e3", "true", "null", "no", "~", " 2026-01-31 ", "1:30", "010", "a\r\nb"],
    "nested": [[1, [2.5]], [], {"item": [None, False]}],
}


def _codec(form: Format) -> Codec[Any]:
    codec = find(Kind.JSON, form)
    assert codec is not None
    return codec


XML, YAML, MSGPACK, PROTOBUF = (_codec(form) for form in FORMS[1:])


def _deep(levels: int) -> Any:
    tree: Any = {}
    for left in reversed(range(levels - 1)):
        tree = [tree] if left % 2 else {"a": tree}
    return tree


def _wine() -> Any:
    """Make a message class, as protoc would: name, alcohol, tags, cellar, year."""
    file = FileDescriptorProto(name="wine.proto", package="cellar", syntax="proto3")
    kinds = FieldDescriptorProto
    message = file.message_type.add(name="Wine")
    for number, (name, kind) in enumerate(
        [
            ("grapeName", kinds.TYPE_STRING),
            ("alcohol_percent", kinds.TYPE_DOUBLE),
            ("tags", kinds.TYPE_STRING),
            ("blend", kinds.TYPE_MESSAGE),
            ("year", kinds.TYPE_INT32),
        ],
        start=1,
    ):
        field = message.field.add(name=name, number=number, type=kind, label=kinds.LABEL_OPTIONAL)
        if name in {"tags", "blend"}:
            field.label = kinds.LABEL_REPEATED
        if name == "blend":
            field.type_name = ".cellar.Wine"
    pool = DescriptorPool()
    pool.Add(file)  # type: ignore[no-untyped-call]
    return GetMessageClass(pool.FindMessageTypeByName("cellar.Wine"))  # type: ignore[no-untyped-call]


WINE = _wine()
OPTIONS = mmf.Dict(message=WINE).options

each_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
each_lossless = pytest.mark.parametrize("form", LOSSLESS, ids=lambda form: form.name)

# Text as XML 1.0 can hold it.
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="\ufffe\uffff")
    | st.sampled_from("\t\n\r")
)
LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
TREES = st.dictionaries(
    TEXT,
    st.recursive(
        LEAVES,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
        max_leaves=12,
    ),
    max_size=5,
)


def test_json_formats() -> None:
    assert formats(Kind.JSON) == FORMS


def _types(tree: Any) -> Any:
    """Return a tree in which 1, 1.0 and True differ."""
    if isinstance(tree, dict):
        return {key: _types(part) for key, part in tree.items()}
    return [_types(part) for part in tree] if isinstance(tree, list) else (type(tree), tree)


@each_lossless
def test_lossless_round_trip(form: Format) -> None:
    codec = _codec(form)
    assert _types(codec.decode(codec.encode(TREE, {}), {})) == _types(TREE)


def test_struct_loses_only_the_integer_type() -> None:
    assert PROTOBUF.decode(PROTOBUF.encode(TREE, {}), {}) == TREE  # 2019 == 2019.0


@each_form
def test_random_trees_round_trip(form: Format) -> None:
    codec = _codec(form)

    @settings(deadline=None, max_examples=60)
    @given(TREES)
    def check(tree: Any) -> None:
        again = codec.decode(codec.encode(tree, {}), {})
        assert again == tree
        if form is not Format.PROTOBUF:
            assert _types(again) == _types(tree)

    check()


@each_form
def test_result_equals_its_json(form: Format) -> None:
    result = {
        "array": np.array([[1, 2]]),
        "one": np.float32(0.5),
        "when": datetime(2026, 1, 31, tzinfo=UTC),
        "nan": float("nan"),
        5: "a key",
        "pair": (1, 2),
    }
    codec = _codec(form)
    assert codec.decode(codec.encode(result, {}), {}) == {
        "array": [[1, 2]],
        "one": 0.5,
        "when": "2026-01-31T00:00:00+00:00",
        "nan": None,
        "5": "a key",
        "pair": [1, 2],
    }


@each_form
def test_rejects_values_that_json_cannot_represent(form: Format) -> None:
    for wrong in ({"a": object()}, {"a": b"bytes"}, {"a": "\ud800"}, _deep(300)):
        with pytest.raises((TypeError, ValueError)):
            _codec(form).encode(wrong, {})


@each_form
def test_dates_and_nulls_of_every_library(form: Format) -> None:
    result: dict[str, Any] = {
        "array": np.array(["2026-01-31T00:00:00.000000001", "NaT"], "M8[ns]"),
        "days": np.array(["2026-01-31", "NaT"], "M8[D]"),
        "seconds": [np.datetime64("2026-01-31", "s"), np.datetime64("NaT", "s")],
        "none": np.datetime64("NaT"),
        "lengths": np.array([90, "NaT"], "m8[m]"),
        "series": pd.Series(pd.to_datetime(["2026-01-31", None])),
        "table": pd.DataFrame({"at": pd.to_datetime([None]), "n": pd.array([None], "Int64")}),
        "labels": pd.Series([0.5, None], ["a", "b"]),
        "objects": np.array([pd.NaT, np.datetime64("NaT"), pd.NA, None], dtype=object),
        "price": Decimal("0.10"),
    }
    codec = _codec(form)
    assert codec.decode(codec.encode(result, {}), {}) == {
        "array": ["2026-01-31T00:00:00.000000001", None],
        "days": ["2026-01-31T00:00:00", None],
        "seconds": ["2026-01-31T00:00:00", None],
        "none": None,
        "lengths": ["P0DT1H30M0S", None],
        "series": ["2026-01-31T00:00:00", None],
        "table": [{"at": None, "n": None}],
        "labels": {"a": 0.5, "b": None},
        "objects": [None, None, None, None],
        "price": 0.1,
    }


class Wine(NamedTuple):
    """A result that has names."""

    name: str
    at: Any


OBJECTS = [
    Wine("Barolo", np.datetime64("NaT")),
    pd.Series(["Barolo", None], ["name", "at"]),
    MappingProxyType({"name": "Barolo", "at": None}),
]


@pytest.mark.parametrize("result", OBJECTS, ids=lambda result: type(result).__name__)
@each_form
def test_accepts_mapping_like_results(form: Format, result: Any) -> None:
    codec = _codec(form)
    for returns in (mmf.Dict(), mmf.JsonFile()):
        encoded = codec.encode(returns.to_output(result), {})
        assert codec.decode(encoded, {}) == {"name": "Barolo", "at": None}


LISTS = [
    np.array([[1, 2]]),
    (x for x in ()),
    pd.DataFrame({"a": [1]}),
    pd.Series([1, 2]),
    pd.Index([1, 2]),
    (1, 2),
    {1},
]


@pytest.mark.parametrize("result", LISTS, ids=lambda result: type(result).__name__)
def test_list_like_results_are_files_but_not_objects(result: Any) -> None:
    with pytest.raises(InvalidValue, match=f"expected an object, got {type(result).__name__}"):
        mmf.Dict().to_output(result)
    if hasattr(result, "__len__"):
        assert isinstance(mmf.JsonFile().to_output(result), list)


@pytest.mark.parametrize("result", ["text", b"bytes", 5, None, np.float64(1), datetime.now(UTC)])
def test_rejects_scalar_results(result: Any) -> None:
    for returns in (mmf.Dict(), mmf.JsonFile()):
        with pytest.raises(InvalidValue, match="expected an object"):
            returns.to_output(result)


@each_form
def test_long_integers_are_exact_or_rejected(form: Format) -> None:
    codec, tree = _codec(form), {"a": [2**70, -(2**70)]}
    if form in {Format.MSGPACK, Format.PROTOBUF}:
        with pytest.raises((TypeError, ValueError)):
            codec.encode(tree, {})
    else:
        assert codec.decode(codec.encode(tree, {}), {}) == tree


@each_lossless
def test_depth_limit_is_the_same_in_every_format(form: Format) -> None:
    codec = _codec(form)
    allowed, too_deep = _deep(MAX_DEPTH), _deep(MAX_DEPTH + 1)
    assert codec.decode(codec.encode(allowed, {}), {}) == allowed
    with pytest.raises(InvalidValue, match="at most 100 levels"):
        codec.decode(codec.encode(too_deep, {}), {})


def test_struct_depth_limit() -> None:
    assert PROTOBUF.decode(PROTOBUF.encode(_deep(30), {}), {}) == _deep(30)
    with pytest.raises(RequestError, match="Struct"):
        PROTOBUF.decode(PROTOBUF.encode(_deep(48), {}), {})
    with pytest.raises(ValueError, match="deep"):
        PROTOBUF.encode(_deep(110), {})


@pytest.mark.parametrize(
    ("form", "data"),
    [
        (Format.JSON, b'{"a":' * 100_000),
        (Format.JSON, b'{"a":' * 10_000 + b"1" + b"}" * 10_000),
        (Format.JSON, b'{"a":' * 1_000 + b"1" + b"}" * 1_000),
        (Format.XML, b"<a>" * 100_000 + b"</a>" * 100_000),
        (Format.XML, b"<a>" * 100_000),
        (Format.YAML, b"[" * 100_000),
        (Format.YAML, b"a: " * 100_000),
        (Format.YAML, b"- " * 100_000),
        (Format.MSGPACK, b"\x91" * 100_000),
        (Format.MSGPACK, b"\x91" * 100_000 + b"\xc0"),
        (Format.PROTOBUF, b"\x0a\xff\xff\xff\x07" * 100_000),
    ],
)
def test_excessive_depth_raises_request_error(form: Format, data: bytes) -> None:
    with pytest.raises(RequestError) as caught:
        _codec(form).decode(data, {})
    assert len(caught.value.detail) < 300


@each_form
def test_corrupted_documents_raise_request_errors(form: Format) -> None:
    """Change bytes of valid documents at random: nothing but RequestError may come out."""
    codec, draw = _codec(form), random.Random(form.name)
    originals = [codec.encode(TREE, {}), codec.encode(_deep(20), {}), codec.encode({"a": 1}, {})]
    until, tried = perf_counter() + 1.5, 0
    while perf_counter() < until:
        data = bytearray(draw.choice(originals))
        for _ in range(draw.randint(1, 8)):
            match draw.randint(0, 3):
                case 0:
                    data[draw.randrange(len(data))] = draw.randrange(256)
                case 1:
                    del data[draw.randrange(len(data)) :][: draw.randint(1, 9)]
                case 2:
                    data.insert(
                        draw.randrange(len(data) + 1), draw.choice(b"\x00\xc1\xdd\xff<&[{*!:")
                    )
                case 3:
                    start = draw.randrange(len(data))
                    data[start:start] = data[start : start + draw.randint(1, 20)]
            data = data or bytearray(b" ")
        with suppress(RequestError):
            codec.decode(bytes(data), {})
        tried += 1
    assert tried > 100


# XML


def test_xml_output() -> None:
    tree = {"name": "Barolo", "year": 2019, "tags": ["red", None], "1st": True}
    assert XML.encode(tree, {}).decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<data><name>Barolo</name>'
        '<year type="number">2019</year><tags type="array"><item>red</item>'
        '<item type="null"></item></tags><entry key="1st" type="boolean">true</entry></data>\n'
    )


@pytest.mark.parametrize(
    ("data", "tree"),
    [
        ("<wine><name>Barolo</name><year>2019</year></wine>", {"name": "Barolo", "year": "2019"}),
        ("<w>\n <a>1</a>\n <a>2</a>\n <b/>\n</w>", {"a": ["1", "2"], "b": ""}),
        ("<w><!-- said --><a> x </a><?do it?></w>", {"a": " x "}),
        ("<w><a><![CDATA[<&>]]></a></w>", {"a": "<&>"}),
        ("<w type='array'><x type='number'>1</x><y>2</y></w>", [1, "2"]),
        ("<w><a type='boolean'> true </a><b type='null'/></w>", {"a": True, "b": None}),
        ("<?xml version='1.0' encoding='windows-1251'?><w><a>Ж</a></w>", {"a": "Ж"}),
    ],
)
def test_reads_handwritten_xml(data: str, tree: Any) -> None:
    charset = "windows-1251" if "1251" in data else "utf-8"
    assert XML.decode(data.encode(charset), {}) == tree


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("", "XML"),
        ("<a>", "XML"),
        ("<a/><b/>", "XML"),
        ("<?xml version='1.0' encoding='nonsense'?><a/>", "XML"),
        ("<!DOCTYPE a><a/>", "DTD"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "DTD"),
        ("<!DOCTYPE a SYSTEM 'file:///etc/passwd'><a/>", "DTD"),
        ("<a>&b;</a>", "XML"),
        ("<a>text<b/></a>", "text between"),
        ("<a><b/>text</a>", "text between"),
        ("<a id='5'><b/></a>", "attribute"),
        ("<a><b type='int'>5</b></a>", "attribute"),
        ("<a><b type='number'>five</b></a>", "number"),
        ("<a><b type='number'>1e999</b></a>", "number"),
        ("<a><b type='number'>true</b></a>", "number"),
        ("<a><b type='boolean'>yes</b></a>", "boolean"),
        ("<a><b type='null'>0</b></a>", "null"),
        ("<a><b type='string'><c/></b></a>", "got elements"),
        ("<a xmlns='urn:b'><c/></a>", "namespaces"),
    ],
)
def test_rejects_other_xml(data: str, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        XML.decode(data.encode(), {})


def test_rejects_control_characters_in_xml() -> None:
    with pytest.raises(ValueError, match="character"):
        XML.encode({"a": "\x00"}, {})


# YAML


@pytest.mark.parametrize(
    ("data", "tree"),
    [
        (b"a: 1\nb: [x, 2.5, null, ~]\nc:\n", {"a": 1, "b": ["x", 2.5, None, None], "c": None}),
        (b"no: no\non: 2026-01-31\n", {"no": "no", "on": "2026-01-31"}),
        (b"a: 010\nb: 1_000\nc: 0x1f\nd: 1:30\ne: -1e3\nf: .nan", None),
        (b"a: &x [1]\nb: *x\n", {"a": [1], "b": [1]}),
        (b"a: &x {y: &z 1}\nb: [*x, *z]\n", {"a": {"y": 1}, "b": [{"y": 1}, 1]}),
        (b"a: 1\na: 2\n", {"a": 2}),
        (b"a: 'null'\nb: \"1\"\nc: |\n  1\nd: ''\n", {"a": "null", "b": "1", "c": "1\n", "d": ""}),
        ("\ufeffa: Ж\n".encode(), {"a": "Ж"}),
        ("a: Ж".encode("utf-16"), {"a": "Ж"}),
    ],
)
def test_yaml_is_read_as_yaml_1_2(data: bytes, tree: Any) -> None:
    expected = tree or {"a": "010", "b": "1_000", "c": "0x1f", "d": "1:30", "e": -1000.0}
    value = YAML.decode(data, {})
    assert value == (expected if tree else {**expected, "f": ".nan"})


def test_yaml_output_is_readable() -> None:
    assert YAML.encode({"b": "Ж", "a": [1, "no"]}, {}).decode() == "b: Ж\na:\n- 1\n- 'no'\n"


BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"a: [", "YAML.*line"),
        (b"\x00", "YAML"),
        (b"a: 1\n---\nb: 2\n", "YAML"),
        (b"a: !!python/object/apply:os.system ['true']", "tags"),
        (b"a: !!str 5", "tags"),
        (b"! a", "tags"),
        (b"a: *b", "no anchor"),
        (b"a: &a [*a]", "no anchor"),
        (b"1: a", "in quotes"),
        (b"null: a", "in quotes"),
        (b"? [a]\n: 1", "YAML"),
        (b"? {a: b}\n: 1", "YAML"),
        (b"a: " + b"9" * 5_000, "a: expected a number, got inf"),
        (BOMB.encode(), "at most 100,000 values"),
        *(
            (b"a: &a " + text + b"\nb: [" + b"*a," * 10_000 + b"]", "at most 100,000 values")
            for text in (
                b"x" * 10_000,
                b"[" + b"x" * 10_000 + b"]",
                b"{a: [" + b"x" * 10_000 + b"]}",
                b"{? " + b"x" * 10_000 + b"\n: 1}",
                b"9" * 4_000,
            )
        ),
        (b"[" * 101 + b"]" * 101, "nesting"),
    ],
)
def test_rejects_other_yaml(data: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        YAML.decode(data, {})


@pytest.mark.parametrize(
    ("form", "data", "message"),
    [
        (Format.JSON, b'{"a": {"b": [1, -1e999]}}', "a.b.1.: expected a number, got -1e999"),
        (Format.YAML, b"a: {b: [1, -1e999]}", "a.b.1.: expected a number, got -inf"),
        (Format.YAML, b"1e999", "^expected a number, got inf"),
        (Format.YAML, b"a: [[" + b"9" * 309 + b"]]", "a.0..0.: expected a number, got inf"),
        (Format.YAML, b"a: -" + b"9" * 5_000, "a: expected a number, got -inf"),
        (Format.XML, b'<a><b type="number">1e999</b></a>', "<b>: expected a number"),
        (Format.MSGPACK, b"\x81\xa1a\xcb\x7f\xf0" + bytes(6), "a: expected a number, got inf"),
        (Format.MSGPACK, b"\x81\xa1a\x92\1\xca\x7f\xc0\0\0", "expected a number, got nan"),
        (Format.PROTOBUF, b"\n\x0e\n\1a\x12\x09\x11" + bytes(6) + b"\xf0\x7f", "Struct: .*Inf"),
    ],
)
def test_rejects_non_finite_numbers(form: Format, data: bytes, message: str) -> None:
    """A result would have null instead."""
    with pytest.raises(RequestError, match=message):
        _codec(form).read(data, {})


@pytest.mark.parametrize("number", long_except([b"1", b"1e999", b"[1]"], [b"1"]))
def test_non_finite_numbers_are_found_in_little_memory(number: bytes) -> None:
    """A million took 5 seconds and 370 MiB: all were listed, each with its path."""
    data = b"[" + number + b",1e999" + (b"," + number) * 1_000_000 + b",-1e999]"
    with at_most(seconds=4), pytest.raises(InvalidValue) as caught:
        _codec(Format.JSON).read(data, {})
    assert len(caught.value.errors) == (20 if number == b"1e999" else 2)
    tracemalloc.start()
    overflow_error(data)
    assert tracemalloc.get_traced_memory()[1] < 120 * MIB
    tracemalloc.stop()


def test_yaml_without_libyaml(monkeypatch: pytest.MonkeyPatch) -> None:
    import yaml

    from mmf_core.codecs import json_yaml

    monkeypatch.delattr(yaml, "CSafeLoader")
    monkeypatch.delattr(yaml, "CSafeDumper")
    json_yaml._dumper.cache_clear()
    try:
        assert YAML.decode(YAML.encode(TREE, {}), {}) == TREE
        with pytest.raises(RequestError):
            YAML.decode(b"[" * 10_000, {})
    finally:
        json_yaml._dumper.cache_clear()


# MessagePack


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "MessagePack"),
        (b"\xc1", "MessagePack"),
        (b"\x01\x01", "MessagePack"),
        (b"\xdd\xff\xff\xff\xff", "MessagePack"),
        (b"\xdf\xff\xff\xff\xff", "MessagePack"),
        (b"\xdb\xff\xff\xff\xffa", "MessagePack"),
        (b"\xa1\xff", "MessagePack"),
        (b"\xdd\x00\x1e\x84\x80" + b"\xc0" * 2_000_000, "max_array_len"),
        (b"\x81\x90\x01", "MessagePack"),
        (b"\x81\x01\x01", "in quotes"),
        (b"\x81\xc4\x01a\x01", "in quotes"),
        (b"\x81\xa1a\xc4\x01a", "base64"),
        (b"\xd4\x05\x00", "extension type 5"),
        (b"\x91\xd6\xff\x00\x00\x00\x00", "Timestamp"),
    ],
)
def test_rejects_other_messagepack(data: bytes, message: str) -> None:
    with pytest.raises(RequestError, match=message):
        MSGPACK.decode(data, {})


@pytest.mark.parametrize(
    "time", [b"\xd6\xff" + bytes(4), b"\xd7\xff" + bytes(8), b"\xc7\x0c\xff" + bytes(12)]
)
def test_rejects_the_first_timestamp_quickly(time: bytes) -> None:
    """Eight million took four seconds before they were rejected."""
    a_list = b"\xdc\x0b\xb8" + time * 3_000
    objects = b"\x81\xa1a" + time
    for data in (a_list * 300, objects * 900_000):
        body = b"\xdd" + (300 if data[0] == 0xDC else 900_000).to_bytes(4) + data
        with (
            at_most(seconds=0.2),
            pytest.raises(InvalidValue, match="got a Timestamp; send"),
        ):
            MSGPACK.decode(body, {})


# Protobuf


def test_custom_protobuf_message() -> None:
    sent = WINE(grapeName="Nebbiolo", tags=["red"], blend=[WINE(year=2019)])
    tree = PROTOBUF.decode(sent.SerializeToString(), OPTIONS)
    assert tree["grapeName"] == "Nebbiolo"
    assert tree["alcohol_percent"] == 0.0  # not sent
    assert tree["blend"][0]["year"] == 2019
    assert WINE.FromString(PROTOBUF.encode(tree, OPTIONS)) == sent


@pytest.mark.parametrize(
    "result", [{"grape": "x"}, {"year": "x"}, {"year": 1.5}, {"tags": "x"}, {"blend": [1]}, [1]]
)
def test_rejects_result_that_does_not_match_the_message(result: Any) -> None:
    with pytest.raises((TypeError, ValueError), match=r"Wine|dict"):
        PROTOBUF.encode(result, OPTIONS)


@pytest.mark.parametrize("data", [b"\xff", b"\x0a\x05a", b"\x0a\x01\xff", b"{}"])
def test_rejects_invalid_protobuf(data: bytes) -> None:
    for options, name in ((OPTIONS, "cellar.Wine"), ({}, "Struct")):
        with pytest.raises(RequestError, match=name):
            PROTOBUF.decode(data, options)


def test_rejects_another_message_as_struct() -> None:
    with pytest.raises(RequestError, match="Struct"):
        PROTOBUF.decode(WINE(year=5).SerializeToString(), {})


def test_rejects_integer_that_struct_would_round() -> None:
    assert PROTOBUF.decode(PROTOBUF.encode({"a": 2**53}, {}), {}) == {"a": 2**53}
    with pytest.raises(ValueError, match="doubles"):
        PROTOBUF.encode({"a": [{"b": 2**53 + 1}]}, {})


def test_rejects_struct_with_nan() -> None:
    from google.protobuf.struct_pb2 import Struct

    struct = Struct()
    struct.fields["a"].number_value = float("nan")
    with pytest.raises(RequestError, match="NaN"):
        PROTOBUF.decode(struct.SerializeToString(), {})


def test_protobuf_values_are_limited() -> None:
    """Packed repeated values, and a message's default values."""
    codec = find(Kind.JSON, Format.PROTOBUF)
    options = {**OPTIONS, "max_body": 100_000}
    many = WINE(tags=[""] * 10_000).SerializeToString()
    with pytest.raises(BodyTooLarge, match="so many values"):
        codec.read(many, options)
    assert len(codec.read(many, OPTIONS)["tags"]) == 10_000


def test_rejects_invalid_message_class_when_declared() -> None:
    with pytest.raises(DescriptorError, match="message="):
        mmf.Dict(message=dict)


def test_meta_names_the_message() -> None:
    assert mmf.Dict(message=WINE).meta()["message"] == "cellar.Wine"
    assert "message" not in mmf.Dict().meta()


@pytest.mark.parametrize(
    ("form", "module", "package"),
    [
        (Format.XML, "defusedxml", "defusedxml"),
        (Format.YAML, "yaml", "pyyaml"),
        (Format.MSGPACK, "msgpack", "msgpack"),
        (Format.PROTOBUF, "google.protobuf", "protobuf"),
    ],
)
def test_format_without_its_library_is_omitted(
    form: Format, module: str, package: str, without: Callable[..., None]
) -> None:
    without(module)
    assert form not in formats(Kind.JSON)
    with pytest.raises(MissingPackage, match=f"pip install {package}$"):
        find(Kind.JSON, form)


def test_rejects_long_messagepack_map_before_building_it() -> None:
    count = 1_000_001
    data = b"\xdf" + count.to_bytes(4, "big") + b"\xa1a\xc0" * count
    with pytest.raises(RequestError, match="1000001 exceeds max_map_len"):
        MSGPACK.decode(data, {})
