"""String, Integer, Float, Bool, Datetime."""

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import mmf_core as mmf
from mmf_core.descriptors import Scalar
from mmf_core.errors import InvalidValue

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MOSCOW = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("descriptor", "sent", "value"),
    [
        (mmf.String(), "", ""),
        (mmf.String(), " Вино ", " Вино "),
        (mmf.String(), "5", "5"),
        (mmf.Integer(), 5, 5),
        (mmf.Integer(), "-5", -5),
        (mmf.Integer(), 3.0, 3),
        (mmf.Integer(), 2**64 - 1, 2**64 - 1),
        (mmf.Integer(), str(-(2**63)), -(2**63)),
        (mmf.Integer(), 2.0**53 - 1, 2**53 - 1),
        (mmf.Integer(), np.float32(2**24 - 1), 2**24 - 1),
        (mmf.Integer(), " 7.0 ", 7),
        (mmf.Integer(), "1e3", 1000),
        (mmf.Float(), 1, 1.0),
        (mmf.Float(), "1e3", 1000.0),
        (mmf.Bool(), True, True),
        (mmf.Bool(), "Yes", True),
        (mmf.Bool(), " on ", True),
        (mmf.Bool(), "1", True),
        (mmf.Bool(), "FALSE", False),
        (mmf.Bool(), "no", False),
        (mmf.Bool(), "0", False),
        (mmf.Datetime(), "2026-01-31T12:00:00Z", NOON),
        (mmf.Datetime(), "2026-01-31T15:00:00+03:00", datetime(2026, 1, 31, 15, tzinfo=MOSCOW)),
        (mmf.Datetime(), "2026-01-31", datetime(2026, 1, 31)),
        (mmf.Datetime(), NOON, NOON),
    ],
)
def test_accepts_valid_values(descriptor: Scalar[Any], sent: object, value: object) -> None:
    checked = descriptor.validate(sent)
    assert checked == value
    assert type(checked) is type(value)


@pytest.mark.parametrize(
    ("descriptor", "sent"),
    [
        *[(mmf.String(), value) for value in (5, None, True, ["a"], {"a": 1}, b"x")],
        *[(mmf.Integer(), value) for value in ("x", "", "1.5", 3.5, True, None, [1], "9" * 5000)],
        *[(mmf.Integer(), value) for value in (math.nan, math.inf, 2.0**53, -(2.0**53), "inf")],
        *[(mmf.Integer(), value) for value in (np.float32(2**24), np.float16(-2048))],
        *[(mmf.Integer(), value) for value in ("1e999999999", "9007199254740993.5", "\u00a01")],
        *[
            (mmf.Integer(), value)
            for value in (2**64, -(2**63) - 1, str(2**64), 2.0**63, -(2.0**63), "1e20")
        ],
        *[(mmf.Float(), value) for value in ("x", "", "1,5", True, [1.0], {}, 10**400)],
        *[(mmf.Bool(), value) for value in ("maybe", "", "2", 1, 0, None, [True])],
        *[(mmf.Datetime(), value) for value in ("x", "", "31.01.2026", 1769860800, None)],
    ],
)
def test_rejects_other_values_with_the_expected_type(descriptor: Scalar[Any], sent: object) -> None:
    with pytest.raises(InvalidValue, match=r"^expected .*, got ") as caught:
        descriptor.validate(sent)
    assert descriptor.type_label in caught.value.detail


def test_long_value_is_shortened_in_the_error() -> None:
    with pytest.raises(InvalidValue) as caught:
        mmf.Integer().validate("x" * 100_000)
    assert len(caught.value.detail) < 200


def test_null_float_is_nan() -> None:
    assert math.isnan(mmf.Float().validate(None))


@pytest.mark.parametrize(
    ("descriptor", "result", "value"),
    [
        (mmf.String(), np.str_("ham"), "ham"),
        (mmf.String(), np.array(["ham"]), "ham"),
        (mmf.Integer(), np.int64(5), 5),
        (mmf.Integer(), np.array([5]), 5),
        (mmf.Integer(), np.float64(5), 5),
        (mmf.Float(), np.float32(0.5), 0.5),
        (mmf.Float(), np.array([[0.5]]), 0.5),
        (mmf.Bool(), np.bool_(True), True),
        (mmf.Datetime(), NOON, NOON),
    ],
)
def test_numpy_results_become_python_values(
    descriptor: Scalar[Any], result: object, value: object
) -> None:
    presented = descriptor.to_output(result)
    assert presented == value
    assert type(presented) is type(value)


@pytest.mark.parametrize("infinity", [math.inf, -math.inf, "+inf", "-Infinity", "1e999"])
def test_rejects_infinity_unless_declared(infinity: Any) -> None:
    with pytest.raises(InvalidValue, match=r"^expected a finite number, got "):
        mmf.Float().validate(infinity)
    assert abs(mmf.Float(finite=False).validate(infinity)) == math.inf
    if isinstance(infinity, float):
        assert mmf.Float().to_output(infinity) == infinity


@pytest.mark.parametrize("text", ["nan", " NaN "])
def test_nan_text_is_nan(text: str) -> None:
    assert math.isnan(mmf.Float().validate(text))


@pytest.mark.parametrize("text", ["\u0661", "\u00a01", "1_000", "0x10", "infin", "1,5", "1e"])
def test_rejects_non_ascii_digits(text: str) -> None:
    for descriptor in (mmf.Float(), mmf.Integer()):
        with pytest.raises(InvalidValue):
            descriptor.validate(text)


def test_nat_is_null_as_result_and_rejected_as_argument() -> None:
    assert mmf.Datetime().to_output(pd.NaT) is None
    assert mmf.Datetime().to_output(np.datetime64("NaT")) is None
    assert mmf.Datetime().output_schema()["type"] == ["string", "null"]
    with pytest.raises(InvalidValue, match=r"ISO 8601.*, got NaT"):
        mmf.Datetime().validate(pd.NaT)


def test_accepts_pandas_timestamp_as_result() -> None:
    assert mmf.Datetime().to_output(pd.Timestamp(NOON)) == NOON


@pytest.mark.parametrize(
    ("descriptor", "result"),
    [
        (mmf.String(), 5),
        (mmf.String(), None),
        (mmf.Integer(), "5"),
        (mmf.Integer(), 5.5),
        (mmf.Integer(), np.array([1, 2])),
        (mmf.Float(), "0.5"),
        (mmf.Float(), True),
        (mmf.Bool(), 1),
        (mmf.Bool(), "true"),
        (mmf.Datetime(), "2026-01-31"),
        (mmf.Datetime(), date(2026, 1, 31)),
    ],
)
def test_rejects_result_of_another_type(descriptor: Scalar[Any], result: object) -> None:
    with pytest.raises(InvalidValue, match=type(result).__name__):
        descriptor.to_output(result)


@pytest.mark.parametrize(
    ("descriptor", "values"),
    [
        (mmf.Integer(), st.integers(-(2**63), 2**64 - 1)),
        (mmf.Float(finite=False), st.floats(allow_nan=False)),
        (mmf.Datetime(), st.datetimes()),
    ],
)
def test_text_round_trip(descriptor: Scalar[Any], values: st.SearchStrategy[Any]) -> None:
    write: Callable[[Any], str] = (
        datetime.isoformat if isinstance(descriptor, mmf.Datetime) else repr
    )

    @given(values)
    def check(value: object) -> None:
        assert descriptor.validate(write(value)) == value

    check()
