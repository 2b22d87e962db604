"""Columns with bounds, choices and categories; extra columns."""

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

import mmf_core as mmf
from mmf_core.errors import DescriptorError, ErrorDetail, InvalidValue, quoted

DAY = datetime(2026, 1, 31)
COLOURS = mmf.Column(str, choices=["red", "white"], category=True)


def _check(column: Any, *values: object) -> pd.Series:
    table = pd.DataFrame({"a": values})
    checked: pd.Series = mmf.DataFrame(schema={"a": column}).validate(table)["a"]
    return checked


def _errors(column: Any, *values: object) -> list[ErrorDetail]:
    with pytest.raises(InvalidValue) as caught:
        _check(column, *values)
    return list(caught.value.errors)


@pytest.mark.parametrize(
    ("column", "right", "wrong"),
    [
        (mmf.Column(float, ge=0, le=14), [0.0, 7, 14.0], [-0.1, 14.1, float("inf")]),
        (mmf.Column(float, gt=0, lt=14), [1e-300, 13.9], [0.0, 14.0, -1.0]),
        (mmf.Column(float, ge=0), [0, 1e300], [-1e-300]),
        (mmf.Column(float | None, ge=0), [0.0, None], [-1.0]),
        (mmf.Column(int, ge=1, lt=3), [1, 2], [0, 3, 2**62]),
        (mmf.Column(int | None, gt=0), [1, None], [0]),
        (mmf.Column(datetime, ge=DAY), ["2026-01-31", "2027-01-01"], ["2026-01-30T23:59:59"]),
        (mmf.Column(datetime | None, lt=DAY), ["2026-01-30", None], ["2026-01-31"]),
        (mmf.Column(str, choices=["red", "white"]), ["red", "white"], ["Red", "", "blue"]),
        (mmf.Column(str | None, choices=["red"]), ["red", None], ["white"]),
        (mmf.Column(int, choices=[1, 2, 3]), [1, "2", 3.0], [0, 4]),
        (mmf.Column(int | None, choices=[1]), [1, None], [2]),
        (mmf.Column(float, choices=[0.5, 1]), [0.5, 1], [0.50001]),
        (mmf.Column(datetime, choices=[DAY]), ["2026-01-31"], ["2026-02-01"]),
        (mmf.Column(bool, choices=[True]), [True, "true", 1], [False, 0]),
        (COLOURS, ["white", "red"], ["blue"]),
    ],
    ids=str,
)
def test_limits_are_enforced_by_cell(
    column: mmf.Column, right: list[Any], wrong: list[Any]
) -> None:
    assert len(_check(column, *right)) == len(right)
    for value in wrong:
        values = [right[0], value, right[0]]
        (error,) = _errors(column, *values)
        assert (error.row, error.column, error.value) == (1, "a", value)
        hint = "; send a finite number" if value == float("inf") else ""
        assert error.message == f"expected {column.type_label}, got {quoted(value)}{hint}"


def test_messages_state_the_expected_value() -> None:
    assert [error.message for error in _errors(mmf.Column(float, ge=0, lt=14), 14, None)] == [
        "expected a number >= 0 and < 14, got 14.0",
        "expected a number >= 0 and < 14, got an empty cell",
    ]
    assert _errors(COLOURS, "blue")[0].message == 'expected one of "red", "white", got "blue"'
    assert _errors(mmf.Column(int, choices=range(500)), 500)[0].message.endswith("8, 9, …, got 500")


def test_category_has_the_declared_choices_in_order() -> None:
    expected = pd.Series(pd.Categorical(["white"], categories=["red", "white"]), name="a")
    assert_series_equal(_check(COLOURS, "white"), expected)
    nullable = _check(mmf.Column(int | None, choices=[3, 1], category=True), 1, None)
    assert nullable.cat.categories.tolist() == [3, 1]
    assert nullable.isna().tolist() == [False, True]


@pytest.mark.parametrize("kind", [int, float, bool, datetime])
def test_category_of_any_type(kind: type) -> None:
    choices = {int: [1, 2], float: [0.5, 1.5], bool: [True, False], datetime: [DAY]}[kind]
    column = _check(mmf.Column(kind, choices=choices, category=True), *choices)
    assert str(column.dtype) == "category"
    assert column.tolist() == choices


def test_text_with_choices_keeps_leading_zeros() -> None:
    descriptor = mmf.DataFrame(schema={"a": mmf.Column(str, choices=["007"])})
    assert descriptor.options == {"types": {"a": str}}


@pytest.mark.parametrize(
    ("dates", "bound"),
    [(["2026-01-31T12:00:00Z"], DAY), (["2026-01-31"], DAY.replace(tzinfo=UTC))],
)
def test_rejects_dates_without_the_offset_of_the_bound(dates: Any, bound: datetime) -> None:
    (error,) = _errors(mmf.Column(datetime, ge=bound), *dates)
    assert "offset" in error.message
    assert error.column == "a"


# A block of floats


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-20, 20), min_size=1),
    st.sampled_from(["ge", "gt"]),
    st.sampled_from(["le", "lt"]),
)
def test_bounds_apply_to_a_block_of_floats(values: list[float], low: str, high: str) -> None:
    limits: dict[str, Any] = {low: -5, high: 5}
    table = pd.DataFrame([[value, 0.0] for value in values], columns=["a", "b"], dtype=float)
    allowed = [
        (-5 < value < 5) or (value == -5 and low == "ge") or (value == 5 and high == "le")
        for value in values
    ]
    descriptor = mmf.DataFrame(schema={"a": mmf.Column(float, **limits), "b": float})
    assert descriptor.is_homogeneous
    if all(allowed):
        assert descriptor.validate(table) is table
        return
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(table)
    rows = [row for row, fits in enumerate(allowed) if not fits][:20]
    assert [error.row for error in caught.value.errors] == rows


@pytest.mark.parametrize(
    "column",
    [
        float,
        float | None,
        mmf.Column(float, ge=0),
        mmf.Column(float | None, le=5),
        mmf.Column(float, choices=[1.0, 2]),
    ],
    ids=str,
)
@pytest.mark.parametrize("cells", [[1.0, 2.0], [1, 2], ["1", "2"]], ids=["float", "int", "str"])
def test_homogeneous_schema_yields_one_block(column: Any, cells: list[Any]) -> None:
    descriptor = mmf.DataFrame(schema={"a": column, "b": float})
    assert descriptor.is_homogeneous
    table = descriptor.validate(pd.DataFrame({"b": cells, "a": cells}))
    assert table.columns.tolist() == ["a", "b"]
    assert table.dtypes.tolist() == [np.float64] * 2
    assert np.shares_memory(table.to_numpy(), table.to_numpy())  # no copy: one block


@pytest.mark.parametrize(
    "column",
    [int, str, mmf.Column(int, ge=0), mmf.Column(float, choices=[1], category=True)],
    ids=str,
)
def test_category_and_other_types_are_not_homogeneous(column: Any) -> None:
    assert not mmf.DataFrame(schema={"a": float, "b": column}).is_homogeneous


# Columns


def test_column_and_cell_errors_are_reported_together() -> None:
    descriptor = mmf.DataFrame(
        schema={"a": int, "b": mmf.Column(float, ge=0), "c": str, "d": str}, extra="refuse"
    )
    table = pd.DataFrame(
        [["x", -1.0, "t", "t", 1], ["2", 1.0, "t", "t", 2]], columns=["a", "b", "d", "d", "e"]
    )
    with pytest.raises(InvalidValue) as caught:
        descriptor.validate(table)
    assert caught.value.detail == (
        "missing columns: c; duplicate columns: d; unknown columns: e; "
        "2 cells do not match the schema"
    )
    assert caught.value.errors == (
        ErrorDetail("missing column", column="c"),
        ErrorDetail("duplicate column", column="d"),
        ErrorDetail("unknown column", column="e"),
        ErrorDetail('expected a whole number, got "x"', row=0, column="a", value="x"),
        ErrorDetail("expected a number >= 0, got -1.0", row=0, column="b", value=-1.0),
    )


def test_extra_columns_are_ignored_by_default() -> None:
    table = pd.DataFrame({"b": ["x"], "a": [1.0], 5: [2]})
    schema = {"a": float}
    expected = pd.DataFrame({"a": [1.0]})
    checked = mmf.DataFrame(schema=schema).validate(table)
    assert_frame_equal(checked, expected, check_column_type=False)
    strict = mmf.DataFrame(schema=schema, extra="refuse")
    assert_frame_equal(strict.validate(expected), expected)
    with pytest.raises(InvalidValue, match="unknown columns: b, 5") as caught:
        strict.validate(table)
    assert [error.column for error in caught.value.errors] == ["b", "5"]


@pytest.mark.parametrize("extra", ["ignore", "refuse"])
def test_columns_may_come_in_any_order(extra: str) -> None:
    table = pd.DataFrame({"b": [2.0], "a": [1.0]})
    checked = mmf.DataFrame(schema={"a": float, "b": float}, extra=extra).validate(table)
    assert_frame_equal(checked, pd.DataFrame({"a": [1.0], "b": [2.0]}))


def test_extra_column_errors_are_limited() -> None:
    table = pd.DataFrame(np.zeros((1, 1_000)), columns=[f"x{place}" for place in range(1_000)])
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": float}, extra="refuse").validate(table)
    assert len(caught.value.errors) == 20
    assert len(caught.value.detail) < 200
    assert "first 20" in caught.value.detail


# Declarations


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"type": str, "ge": "a"}, "ge: a str column has no bounds"),
        ({"type": bool, "le": True}, "le: a bool column has no bounds"),
        ({"type": float, "ge": "0"}, "ge='0': expected a number"),
        ({"type": float, "ge": float("nan")}, "nan"),
        ({"type": int, "ge": 0.5}, "ge=0.5: expected a whole number"),
        ({"type": int, "ge": True}, "ge=True: expected"),
        ({"type": datetime, "ge": "2026-01-31"}, "expected a date"),
        ({"type": str, "choices": []}, "choices"),
        ({"type": str, "choices": ["a", "a"]}, "distinct"),
        ({"type": str, "choices": ["a", None]}, "choices=None: expected text"),
        ({"type": int, "choices": [1, "2"]}, "choices='2': expected a whole number"),
        ({"type": str, "category": True}, "choices"),
        ({"type": list}, "str, int, float, bool, date, datetime"),
        ({"type": float, "ge": 5, "le": 1}, "no value"),
        ({"type": float, "gt": 1, "le": 1}, "no value"),
    ],
    ids=str,
)
def test_rejects_invalid_column_when_declared(how: dict[str, Any], message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        mmf.Column(how.pop("type"), **how)


@pytest.mark.parametrize(
    "how",
    [
        {"schema": {"a": float}, "extra": "forbid"},
        {"extra": "refuse"},
        {"schema": 5},
        {"schema": [float]},
    ],
    ids=str,
)
def test_rejects_invalid_schema_when_declared(how: dict[str, Any]) -> None:
    with pytest.raises(DescriptorError):
        mmf.DataFrame(**how)


@pytest.mark.parametrize(
    "column",
    [
        *(mmf.Column(float), mmf.Column(float, ge=0), mmf.Column(float, ge=7, le=14)),
        *(mmf.Column(float, gt=1, lt=1.5), mmf.Column(float, lt=-3), mmf.Column(float, gt=3)),
        *(mmf.Column(int, gt=1, lt=3), mmf.Column(int, lt=0), mmf.Column(int, le=-1)),
        *(mmf.Column(datetime, gt=DAY), mmf.Column(datetime, le=DAY), mmf.Column(datetime, lt=DAY)),
        *(mmf.Column(datetime, choices=[DAY]), mmf.Column(bool, choices=[False]), COLOURS),
    ],
    ids=str,
)
def test_example_is_valid_and_meta_evaluates_to_the_schema(column: mmf.Column) -> None:
    descriptor = mmf.DataFrame(schema={"a": column})
    assert len(descriptor.validate(descriptor.plain_example)) == 1
    again = eval(descriptor.meta()["schema"], {"mmf": mmf, "datetime": datetime})
    assert mmf.DataFrame(schema=again).meta() == descriptor.meta()
