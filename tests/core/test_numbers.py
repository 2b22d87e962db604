"""Bounds and choices of scalars: enforced both ways, described in errors and in meta."""

import json
import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.descriptors import Scalar
from mmf_core.errors import DescriptorError, InvalidValue

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
TEN = mmf.Integer(ge=1, le=10)
SHARE = mmf.Float(ge=0, le=1)
COLOUR = mmf.String(choices=["red", "white"])


@given(st.integers())
def test_bounds_are_inclusive(number: int) -> None:
    for sent in (number, str(number)):
        if 1 <= number <= 10:
            assert TEN.validate(sent) == number
        else:
            with pytest.raises(InvalidValue, match="a whole number >= 1 and <= 10"):
                TEN.validate(sent)


@pytest.mark.parametrize(
    ("descriptor", "value", "message"),
    [
        (TEN, "x", 'expected a whole number >= 1 and <= 10, got "x"'),
        (mmf.Integer(ge=0), -1, "expected a whole number >= 0, got -1"),
        (mmf.Float(le=0.5), "0.6", 'expected a number <= 0.5, got "0.6"'),
        (SHARE, None, "expected a number >= 0.0 and <= 1.0, got null"),
        (SHARE, math.inf, "<= 1.0, got inf"),
        (COLOUR, "rosé", 'expected one of "red", "white", got "rosé"'),
        (COLOUR, 5, 'expected one of "red", "white", got 5'),
        (mmf.Integer(choices=[1, 2]), "3", 'expected one of 1, 2, got "3"'),
        (mmf.Integer(), "1_000", 'expected a whole number, got "1_000"'),
        (mmf.Integer(), "\u0663", "expected a whole number"),
        (mmf.Float(), "1_000.5", 'expected a number, got "1_000.5"'),
    ],
)
def test_error_states_the_expected_value(descriptor: Scalar[Any], value: Any, message: str) -> None:
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(value)
    assert message in caught.value.detail


@pytest.mark.parametrize(
    ("descriptor", "result"), [(TEN, 11), (SHARE, -0.1), (SHARE, math.nan), (COLOUR, "rosé")]
)
def test_results_are_validated(descriptor: Scalar[Any], result: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^expected .*, got "):
        descriptor.to_output(result)


def test_choices_of_every_type() -> None:
    assert COLOUR.validate("red") == "red"
    assert mmf.Integer(choices=(1, 2)).validate("2") == 2
    assert mmf.Float(choices=[0.5]).validate("0.5") == 0.5
    assert mmf.Datetime(choices=[NOON]).validate("2026-01-31T15:00:00+03:00") == NOON


@pytest.mark.parametrize(
    ("descriptor", "bounds"),
    [
        (TEN, {"ge": 1, "le": 10}),
        (mmf.Float(ge=1), {"ge": 1.0}),
        (COLOUR, {"choices": ["red", "white"]}),
        (mmf.Integer(), {}),
    ],
)
def test_meta_has_bounds_and_choices(descriptor: Scalar[Any], bounds: dict[str, Any]) -> None:
    meta = descriptor.meta()
    assert {key: meta[key] for key in ("ge", "le", "choices") if key in meta} == bounds
    json.dumps(meta)


@pytest.mark.parametrize(
    "descriptor",
    [
        *(TEN, SHARE, COLOUR, mmf.Integer(ge=5), mmf.Integer(le=-5), mmf.Float(ge=9, le=9)),
        *(mmf.Integer(choices=[7]), mmf.Bool(choices=[False]), mmf.Datetime()),
    ],
)
def test_example_is_valid(descriptor: Scalar[Any]) -> None:
    descriptor.validate(descriptor.plain_example)


@pytest.mark.parametrize(
    ("kind", "how"),
    [
        (mmf.Integer, {"ge": 2, "le": 1}),
        (mmf.Integer, {"ge": 0.5}),
        (mmf.Integer, {"ge": "1"}),
        (mmf.Float, {"le": True}),
        (mmf.Float, {"ge": math.nan, "le": 1}),
        (mmf.Integer, {"ge": 1, "choices": [1]}),
        (mmf.Integer, {"choices": []}),
        (mmf.Integer, {"choices": ["1"]}),
        (mmf.String, {"choices": "ab"}),
        (mmf.String, {"choices": [1]}),
        (mmf.Integer, {"ge": 1, "default": 0}),
        (mmf.String, {"choices": ["a"], "default": "b"}),
    ],
)
def test_rejects_unsatisfiable_constraints_when_declared(
    kind: type[Scalar[Any]], how: dict[str, Any]
) -> None:
    with pytest.raises(DescriptorError):
        kind(**how)


@pytest.mark.parametrize("zone", ["Z", "+03:00", "-11:30"])
def test_utc_offset_is_kept(zone: str) -> None:
    text = f"2026-01-31T12:00:00{zone}"
    moment = mmf.Datetime().validate(text)
    assert moment.isoformat() == text.replace("Z", "+00:00")
