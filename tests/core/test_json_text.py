"""JSON text to plain values and back."""

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmf_core.codecs import json
from mmf_core.errors import RequestError

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


@given(PLAIN)
def test_plain_values_survive_a_round_trip(value: Any) -> None:
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
def test_broken_json_is_the_callers_fault_and_says_where(data: bytes) -> None:
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
        ({"a"}, b'["a"]'),
        (frozenset([1]), b"[1]"),
        ({np.int64(0): 0.5}, b'{"0":0.5}'),
        ({"rows": [{np.str_("x"): (np.nan,)}]}, b'{"rows":[{"x":[null]}]}'),
        ({np.int8(1): [{np.bool_(True): 2}]}, b'{"1":[{"true":2}]}'),
        ({1: {None: 2}}, b'{"1":{"null":2}}'),
        ("Данные", '"Данные"'.encode()),
    ],
)
def test_what_models_return_is_written(value: Any, text: bytes) -> None:
    assert json.dumps(value) == text


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ({"a": [Decimal(1)]}, "Decimal"),
        (b"bytes", "bytes"),
        (object(), "object"),
        ({np.int64(1): object()}, "object"),
    ],
)
def test_a_value_that_json_cannot_hold_is_named(value: Any, name: str) -> None:
    with pytest.raises(TypeError, match=name):
        json.dumps(value)


@pytest.mark.parametrize("value", [{(1, 2): 3}, 2**70, "\ud800"])
def test_what_json_has_no_way_to_write_is_refused(value: Any) -> None:
    with pytest.raises(TypeError):
        json.dumps(value)


def test_a_value_that_holds_itself_is_refused() -> None:
    value: dict[str, Any] = {}
    value["self"] = value
    with pytest.raises(TypeError):
        json.dumps(value)
