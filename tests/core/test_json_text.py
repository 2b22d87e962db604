"""JSON text to plain values and back."""

import json as standard_json
import math
import sys
from codecs import BOM_UTF8
from collections import deque
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.codecs import json
from mmf_core.errors import InvalidValue, RequestError

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=4)
    ),
    max_leaves=20,
)


class Point(NamedTuple):
    """A namedtuple."""

    x: int
    y: float


class Colour(Enum):
    """An enum."""

    RED = "red"


@dataclass
class Box:
    """A dataclass."""

    corner: Any
    colour: Colour


class Endless:
    """A value that never becomes a simpler one."""

    def tolist(self) -> Any:
        return Endless()


@given(PLAIN)
def test_plain_values_round_trip(value: Any) -> None:
    assert json.loads(json.dumps(value)) == value


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"{'a': 1}",
        b"[1,]",
        b"[NaN]",
        b"[Infinity]",
        b"[1] [2]",
        b'"\xff"',
        b'"\\ud800"',
        b"[" * 100_000,
        b"\x00",
    ],
)
def test_invalid_json_error_has_line_and_column(data: bytes) -> None:
    with pytest.raises(RequestError, match="line 1 column") as caught:
        json.loads(data)
    assert caught.value.status == 400


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([math.nan, math.inf, -math.inf, 1.5], b"[null,null,null,1.5]"),
        (np.array([1.5, np.nan]), b"[1.5,null]"),
        (np.arange(6).reshape(2, 3).T, b"[[0,3],[1,4],[2,5]]"),
        (np.array(["a", None], dtype=object), b'["a",null]'),
        (np.int64(3), b"3"),
        (np.bool_(True), b"true"),
        (np.float64("nan"), b"null"),
        (pd.Series([1, 2]), b"[1,2]"),
        (pd.NA, b"null"),
        (pd.NaT, b"null"),
        (pd.Timestamp("2026-01-31T12:00:00"), b'"2026-01-31T12:00:00"'),
        (datetime(2026, 1, 31, tzinfo=UTC), b'"2026-01-31T00:00:00+00:00"'),
        (date(2026, 1, 31), b'"2026-01-31"'),
        (np.datetime64("NaT"), b"null"),
        (pd.Timedelta("1 days 00:00:05.000000001"), b'"P1DT0H0M5.000000001S"'),
        (timedelta(days=-1, microseconds=5), b'"P-1DT0H0M0.000005S"'),
        (np.timedelta64("NaT"), b"null"),
        (np.array([np.datetime64("NaT"), None], dtype=object), b"[null,null]"),
        (np.array([["2026", "NaT"]], "M8[D]"), b'[["2026-01-01T00:00:00",null]]'),
        (np.datetime64("2026-01-31T00:00:00.000000001"), b'"2026-01-31T00:00:00.000000001"'),
        ({"at": np.datetime64("NaT", "ns"), "p": np.float32(0.1)}, b'{"at":null,"p":0.1}'),
        (np.array([0.1], np.float32)[::-1], b"[0.1]"),
        (np.array([1.5], ">f8"), b"[1.5]"),
        (np.longdouble(1.5), b"1.5"),
        (
            np.array([(1, "2026")], [("a", "i4"), ("b", "M8[Y]")]),
            b'[{"a":1,"b":"2026-01-01T00:00:00"}]',
        ),
        (pd.Series([1, 2], ["a", "b"]), b'{"a":1,"b":2}'),
        (pd.Series([0.5, pd.NA], [3, 5], dtype="Float64"), b'{"3":0.5,"5":null}'),
        (pd.Series([1], [date(2026, 1, 31)]), b'{"2026-01-31":1}'),
        (pd.Series([0.1], dtype="float32"), b"[0.1]"),
        (pd.Series([1, 2, 3])[:2], b"[1,2]"),
        (pd.Series([1, 2, 3])[1:], b'{"1":2,"2":3}'),
        (pd.Index(["a", "b"]), b'["a","b"]'),
        (pd.Categorical(["a", None]), b'["a",null]'),
        (pd.DataFrame({"a": [1, 2], "b": ["x", None]}), b'[{"a":1,"b":"x"},{"a":2,"b":null}]'),
        (pd.DataFrame({"a": [1, 3]}).agg(["mean"]), b'{"mean":{"a":2.0}}'),
        ([Decimal("0.10"), Decimal("1E+3"), Decimal("NaN")], b"[0.10,1E+3,null]"),
        (Decimal("0.1234567890123456789012345678"), b"0.1234567890123456789012345678"),
        (2**70, b"1180591620717411303424"),
        ([-(2**70)], b"[-1180591620717411303424]"),
        (Point(1, 0.5), b'{"x":1,"y":0.5}'),
        (Box(Point(1, 2), Colour.RED), b'{"corner":{"x":1,"y":2},"colour":"red"}'),
        ({Colour.RED: UUID(int=5)}, b'{"red":"00000000-0000-0000-0000-000000000005"}'),
        (deque([1]), b"[1]"),
        (range(3), b"[0,1,2]"),
        (PurePosixPath("a/b"), b'"a/b"'),
        ({"a": 1}.keys(), b'["a"]'),
        ({"a": 1}.items(), b'[["a",1]]'),
        (MappingProxyType({"a": 1}), b'{"a":1}'),
        ({1.5: 1, time(1, 2, 3, 10_000): 2}, b'{"1.5":1,"01:02:03.010000":2}'),
        ({"a"}, b'["a"]'),
        (frozenset([1]), b"[1]"),
        ({np.int64(0): 0.5}, b'{"0":0.5}'),
        ({"rows": [{np.str_("x"): (np.nan,)}]}, b'{"rows":[{"x":[null]}]}'),
        ({np.int8(1): [{np.bool_(True): 2}]}, b'{"1":[{"true":2}]}'),
        ({1: {None: 2}}, b'{"1":{"null":2}}'),
        ("Данные", '"Данные"'.encode()),
    ],
)
def test_numpy_and_pandas_values_are_serialized(value: Any, text: bytes) -> None:
    assert json.dumps(value) == text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"a": [0, 1, {"b": b"bytes"}]}, r"result\.a\[2\]\.b: a bytes"),
        ({"unit price": 1j}, r"result\['unit price'\]: a complex"),
        (b"bytes", "result: a bytes"),
        (memoryview(b"bytes"), "memoryview"),
        (np.array([b"bytes"]), r"result\[0\]: a bytes"),
        (object(), "object"),
        ({np.int64(1): object()}, r"result\['1'\]: a object"),
        (Box(object(), Colour.RED), r"result\.corner: a object"),
        ([pd.Series([1, 2], [1, 1])], r"result\[0\]: expected labels"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "expected columns"),
        ({"a": np.timedelta64(1, "M")}, r"result\.a: a timedelta64\[M\]"),
        ({"a": {1: 2, "1": 3}}, r"result\.a: two names are '1'"),
        ({"a": {(1, 2): 3}}, r"result\.a: expected names .* tuple"),
        ({"a": "\ud800"}, r"result\.a: .*surrogate"),
    ],
)
def test_unserializable_type_is_named(value: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        json.dumps(value)


@pytest.mark.parametrize("value", [{(1, 2): 3}, {"\ud800": 1}, "\ud800"])
def test_rejects_unserializable_values(value: Any) -> None:
    with pytest.raises(TypeError):
        json.dumps(value)


def test_rejects_circular_references() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    for endless in (value, Endless()):
        with pytest.raises(TypeError, match="nested"):
            json.dumps(endless)


@pytest.mark.parametrize("unit", ["ns", "us", "ms", "s"])
@given(stamps=st.lists(st.none() | st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1))))
def test_dates_match_pandas(unit: str, stamps: list[Any]) -> None:
    array = np.array(stamps, dtype=f"M8[{unit}]")
    expected = [None if pd.isna(stamp) else stamp.isoformat() for stamp in pd.to_datetime(array)]
    assert json.loads(json.dumps(array)) == expected
    assert json.loads(json.dumps(list(array))) == expected
    assert json.loads(json.dumps(pd.Series(array))) == expected


@given(st.timedeltas(timedelta(days=-90_000), timedelta(days=90_000)), st.integers(0, 999))
def test_durations_match_pandas(length: timedelta, nanoseconds: int) -> None:
    duration = pd.Timedelta(length) + pd.Timedelta(nanoseconds)
    expected = duration.isoformat()
    assert json.loads(json.dumps([duration.to_timedelta64(), duration])) == [expected, expected]
    assert json.loads(json.dumps(length)) == pd.Timedelta(length).isoformat()


INTEGERS = st.integers(-(10**40), 10**40) | st.sampled_from(
    [-(2**63) - 1, 2**64, -(10**18), 10**19]
)


@given(
    values=st.lists(
        INTEGERS
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text("0123456789,:", max_size=60)
    ),
    separators=st.sampled_from([(",", ":"), (", ", ": "), ("\n,\t", " :\r")]),
    filler=st.sampled_from([0, 5_000]),
)
def test_integers_of_any_length_are_exact(
    values: list[Any], separators: tuple[str, str], filler: int
) -> None:
    for value in (values, {"a": values}, *values):
        text = " " * filler + standard_json.dumps(value, separators=separators)
        assert json.loads(text) == value
        assert repr(json.loads(text.encode())) == repr(value)


@pytest.mark.parametrize("text", ["9" * 400, "-" + "9" * 5_000, "1e400"])
def test_rejects_number_out_of_float_range(text: str) -> None:
    with pytest.raises(InvalidValue, match=r"expected a number, got .*; send a finite number"):
        json.loads(f"[{text}]")


@pytest.mark.parametrize(
    ("text", "row", "column", "place"),
    [
        ('[{"a": 1, "b": 1e309}]', 0, "b", ""),
        ('[{"a": 1}, {"a": -1E+400}]', 1, "a", ""),
        ('{"a": [1, 2, 1e309]}', 2, "a", ""),
        ('{"columns": ["x", "y"], "data": [[1, 2], [3, 1e309]]}', 1, "y", ""),
        ('{"index": [0], "data": [[1e309]]}', 0, "0", ""),
        ('{"dataframe_records": [{"a": 1e309}]}', None, None, "dataframe_records[0].a: "),
        ('{"a": {"b": 1e309}}', None, None, "a.b: "),
        ('{"a": 1e309}', None, None, "a: "),
        ("1e309", None, None, ""),
    ],
)
def test_out_of_range_number_error_has_its_path(
    text: str, row: int | None, column: str | None, place: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        json.loads(text)
    (detail,) = caught.value.errors
    assert (detail.row, detail.column) == (row, column)
    assert detail.message.startswith(f"{place}expected a number, got ")


def test_out_of_range_numbers_are_listed_in_order() -> None:
    with pytest.raises(InvalidValue) as caught:
        json.loads(json.dumps([{"a": 1}] * 9).replace(b"1", b"1e309"))
    assert [detail.row for detail in caught.value.errors] == list(range(9))


@pytest.mark.parametrize("text", ["[1e309, NaN]", "[1e309", "[1e309] x", "[1e309" + "[" * 100_000])
def test_invalid_json_is_reported_before_out_of_range_numbers(text: str) -> None:
    with pytest.raises(RequestError, match="this is not valid JSON") as caught:
        json.loads(text)
    assert type(caught.value) is RequestError


@pytest.mark.parametrize("text", [b'{"a": 1}', '["Ж"]'.encode()])
def test_byte_order_mark_is_skipped(text: bytes) -> None:
    assert json.loads(BOM_UTF8 + text) == json.loads(text)
    assert json.loads((BOM_UTF8 + text).decode()) == json.loads(text)


@pytest.mark.parametrize(
    "encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be"]
)
def test_utf_16_error_names_the_expected_encoding(encoding: str) -> None:
    with pytest.raises(RequestError, match="expected JSON in UTF-8"):
        json.loads('{"a": 1}'.encode(encoding))


def test_orjson_keeps_no_keys_of_callers() -> None:
    """If the first assertion fails, it keeps none by itself, and `forget_keys` can go."""
    names = [*json.loads(standard_json.dumps({f"key {number}": 0 for number in range(100)}))]
    before = sum(sys.getrefcount(name) for name in names)
    json.forget_keys()
    after = sum(sys.getrefcount(name) for name in names)
    assert before - after > 50
    json.forget_keys()
    assert sum(sys.getrefcount(name) for name in names) == after == before - len(names)
