"""Lists of scalars."""

import math
from collections import deque
from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest

import mmf_core as mmf
from mmf_core.errors import MAX_ERRORS, DescriptorError, ErrorDetail, InvalidValue

DAY = date(2026, 1, 31)
BERLIN = mmf.Datetime(tz="Europe/Berlin")


@pytest.mark.parametrize(
    ("item", "sent", "expected"),
    [
        (mmf.String(), ["red", " ", ""], ["red", " ", ""]),
        (mmf.String(), [], []),
        (mmf.Integer(ge=1), [1, "2", 3.0], [1, 2, 3]),
        (mmf.Float(), [1, "0.5"], [1.0, 0.5]),
        (mmf.Bool(), [True, "no"], [True, False]),
        (mmf.Date(), ["2026-01-31"], [DAY]),
        (mmf.Datetime(tz="naive"), ["2026-01-31T12:00"], [datetime(2026, 1, 31, 12)]),
        (mmf.String(choices=["red", "dry"]), ["dry", "dry"], ["dry", "dry"]),
    ],
    ids=repr,
)
def test_items_are_validated_by_the_descriptor(
    item: Any, sent: list[Any], expected: list[Any]
) -> None:
    checked = mmf.List(item).validate(sent)
    assert (checked, list(map(type, checked))) == (expected, list(map(type, expected)))


@pytest.mark.parametrize("result", [(1, 2), np.array([1, 2]), pd.Series([1, 2]), deque([1, 2])])
def test_result_may_be_any_sequence(result: Any) -> None:
    checked = mmf.List(mmf.Integer()).to_output(result)
    assert (checked, set(map(type, checked))) == ([1, 2], {int})


def test_default_limit_is_a_million_items() -> None:
    million = [""] * 1_000_000
    assert len(mmf.List(mmf.String()).validate(million)) == 1_000_000
    with pytest.raises(InvalidValue, match="at most 1000000 values, got 1000001"):
        mmf.List(mmf.String()).validate([*million, ""])
    assert len(mmf.List(mmf.String(), max_items=2_000_000).validate([*million, ""])) == 1_000_001
    assert len(mmf.List(mmf.String()).to_output([*million, ""])) == 1_000_001


def test_null_items_in_results() -> None:
    assert mmf.List(mmf.Datetime()).to_output([pd.NaT]) == [None]
    (nan,) = mmf.List(mmf.Float()).to_output(pd.Series([None], dtype=float))
    assert math.isnan(nan)
    with pytest.raises(InvalidValue, match=r"^item 0: expected a whole number"):
        mmf.List(mmf.Integer()).to_output([None])


@pytest.mark.parametrize("value", ["red", 5, None, {"a": 1}, np.array(5)])
def test_rejects_other_values_as_lists(value: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^expected a list of values, got "):
        mmf.List(mmf.String()).validate(value)


def test_errors_name_the_items() -> None:
    with pytest.raises(InvalidValue) as caught:
        mmf.List(mmf.Integer()).validate([1, "x", 2, None])
    message = 'expected a whole number, got "x"'
    assert caught.value.detail == f"invalid items: 2; item 1: {message}"
    assert caught.value.errors == (
        ErrorDetail(message, row=1, value="x"),
        ErrorDetail("expected a whole number, got null", row=3),
    )
    with pytest.raises(InvalidValue, match=rf"^item 1: {message}$"):
        mmf.List(mmf.Integer()).validate([1, "x"])
    for count, total in ((MAX_ERRORS, "20"), (MAX_ERRORS + 1, "more than 20")):
        with pytest.raises(InvalidValue, match=rf"^invalid items: {total}; item 0") as caught:
            mmf.List(mmf.Integer()).validate(["x"] * count)
        assert len(caught.value.errors) == MAX_ERRORS


def test_validation_stops_after_too_many_errors() -> None:
    class Counted(mmf.Integer):
        checked = 0

        def validate(self, value: Any) -> int:
            Counted.checked += 1
            return super().validate(value)

    with pytest.raises(InvalidValue):
        mmf.List(Counted()).validate(["x"] * 1_000_000)
    assert Counted.checked == MAX_ERRORS + 1
    with pytest.raises(InvalidValue, match="item 0: expected text"):
        mmf.List(mmf.String()).validate([["nested"]])


def test_length_bounds() -> None:
    pair = mmf.List(mmf.Integer(), min_items=1, max_items=2)
    assert pair.validate([1, 2]) == [1, 2]
    with pytest.raises(InvalidValue, match=r"^expected a list of at least 1 values, got 0$"):
        pair.validate([])
    with pytest.raises(InvalidValue, match=r"^expected a list of at most 2 values, got 3$"):
        pair.validate([1, 2, 3])
    assert pair.json_schema()["minItems"], pair.json_schema()["maxItems"] == (1, 2)
    assert mmf.List(mmf.String(), min_items=3).guess() == ["text"] * 3


@pytest.mark.parametrize(
    ("arguments", "bounds"),
    [
        *[((item,), {}) for item in (str, mmf.String, "str", mmf.DataFrame(), mmf.Dict())],
        ((mmf.String(default="a"),), {}),
        ((mmf.List(mmf.String()),), {}),
        *[((mmf.String(),), bounds) for bounds in ({"min_items": -1}, {"max_items": 0})],
        ((mmf.String(),), {"min_items": 3, "max_items": 2}),
        ((mmf.Integer(),), {"default": ["x"]}),
        ((mmf.Integer(),), {"default": [], "min_items": 1}),
    ],
)
def test_rejects_invalid_list_when_declared(arguments: Any, bounds: dict[str, Any]) -> None:
    with pytest.raises(DescriptorError):
        mmf.List(*arguments, **bounds)


def test_list_meta_and_schema() -> None:
    meta = mmf.List(mmf.Integer(ge=1), max_items=2, default=[1]).meta()
    assert (meta["class_name"], meta["item"]["class_name"], meta["max_items"]) == (
        *("List", "Integer"),
        2,
    )
    assert meta["default"] == "[1]"
    assert mmf.List(BERLIN).json_schema()["items"] == BERLIN.json_schema()
    assert mmf.List(mmf.Date()).output_schema()["items"]["type"] == ["string", "null"]
    assert mmf.List(mmf.Bool()).example_is_valid
    assert not mmf.List(mmf.String()).example_is_valid


def test_list_examples() -> None:
    days = mmf.List(mmf.Date(), example=[DAY])
    assert days.plain_example == ["2026-01-31"]
    assert mmf.List(mmf.String(example="red"), min_items=2).plain_example == ["red", "red"]
    with pytest.raises(DescriptorError, match="example: "):
        mmf.List(mmf.Integer(), example=["x"])
