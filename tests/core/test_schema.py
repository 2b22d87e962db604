"""A table's schema: types, nulls, errors by row, column and value."""

from datetime import UTC, datetime
from typing import Any, Optional

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal

import mmf_core as mmf
from mmf_core.codecs import Format, Kind, find, json
from mmf_core.errors import MAX_ERRORS, DescriptorError, ErrorDetail, InvalidValue

KINDS = [str, int, float, bool, datetime]


def _check(kind: Any, *values: object) -> pd.Series:
    column: pd.Series = mmf.DataFrame(schema={"a": kind}).validate(pd.DataFrame({"a": values}))["a"]
    return column


def _errors(kind: Any, *values: object) -> list[tuple[int | None, object]]:
    with pytest.raises(InvalidValue) as caught:
        _check(kind, *values)
    assert {error.column for error in caught.value.errors} == {"a"}
    return [(error.row, error.value) for error in caught.value.errors]


@pytest.mark.parametrize(
    ("kind", "cells", "values", "dtype"),
    [
        (float, [1, 2], [1.0, 2.0], "float64"),
        (float, ["1.5", "2"], [1.5, 2.0], "float64"),
        (float, [2**70, 1], [float(2**70), 1.0], "float64"),
        (int, [1, 2], [1, 2], "int64"),
        (int, [1.0, 2.0], [1, 2], "int64"),
        (int, ["1", "-2"], [1, -2], "int64"),
        (int, [2**63 - 1, -(2**63)], [2**63 - 1, -(2**63)], "int64"),
        (bool, [True, False], [True, False], "bool"),
        (bool, [1, 0], [True, False], "bool"),
        (bool, [1.0, 0.0], [True, False], "bool"),
        (bool, ["TRUE", "0"], [True, False], "bool"),
        (str, ["007", ""], ["007", ""], "str"),
    ],
)
def test_cells_are_converted(kind: type, cells: list[Any], values: list[Any], dtype: str) -> None:
    column = _check(kind, *cells)
    assert column.tolist() == values
    assert column.dtype == dtype


@pytest.mark.parametrize(
    ("cells", "values"),
    [
        (["2026-01-31", "2026-02-01T12:00:00"], [datetime(2026, 1, 31), datetime(2026, 2, 1, 12)]),
        (["2026-01-31T12:00:00Z"], [datetime(2026, 1, 31, 12, tzinfo=UTC)]),
        ([datetime(2026, 1, 31)], [datetime(2026, 1, 31)]),
        (["9999-12-31", "0001-01-01"], [datetime(9999, 12, 31), datetime(1, 1, 1)]),
    ],
)
def test_dates_are_converted(cells: list[Any], values: list[datetime]) -> None:
    column = _check(datetime, *cells)
    assert column.tolist() == values
    assert column.dtype.kind == "M"


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        *[(float, cell) for cell in ("x", "", "1_000", True, {"x": 1})],
        *[(int, cell) for cell in ("x", 1.5, float("inf"), True, 2**63, 2**70, 1e300)],
        *[(bool, cell) for cell in ("perhaps", 2, 0.5)],
        *[(str, cell) for cell in (5, 1.5, True)],
        *[(datetime, cell) for cell in ("yesterday", "31.01.2026", 2026, 1.5, True)],
    ],
)
@pytest.mark.parametrize("nullable", [False, True])
def test_invalid_cell_is_reported_with_row_and_column(
    kind: type, wrong: object, *, nullable: bool
) -> None:
    right = mmf.DataFrame(schema={"a": kind}).plain_example[0]["a"]
    declared = kind | None if nullable else kind
    table = pd.DataFrame({"a": pd.Series([right, wrong, right], dtype=object)})
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": declared}).validate(table)
    (error,) = caught.value.errors
    assert (error.row, error.column) == (1, "a")
    assert error.value == wrong


@pytest.mark.parametrize(
    ("kind", "column"),
    [
        (int, pd.Series([1, 2**63], dtype="uint64")),
        (int, pd.Series([1, -(2.0**63)])),  # JSON's reader makes this of -(2**63) - 1, too
        (int, pd.Series([1.0, 1e300])),
        (int, pd.Series([1.0, np.inf])),
        (datetime, pd.Series([2026, 2027])),
        (datetime, pd.Series([True])),
        (float, pd.Series([True])),
        (str, pd.Series([1, 2])),
    ],
)
def test_rejects_column_of_another_dtype(kind: type, column: pd.Series) -> None:
    with pytest.raises(InvalidValue):
        mmf.DataFrame(schema={"a": kind}).validate(pd.DataFrame({"a": column}))


@pytest.mark.parametrize(
    "dates",
    [
        ("2026-03-28T12:00:00+01:00", "2026-03-29T12:00:00+02:00"),
        ("2026-03-28T12:00:00+01:00", "2026-03-28T12:00:00"),
    ],
)
def test_rejects_mixed_utc_offsets(dates: tuple[str, str]) -> None:
    with pytest.raises(InvalidValue, match="offset") as caught:
        _check(datetime, *dates)
    assert [error.column for error in caught.value.errors] == ["a"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("nothing", [None, float("nan")])
def test_rejects_nulls_unless_declared(kind: type, nothing: object) -> None:
    right = mmf.DataFrame(schema={"a": kind}).plain_example[0]["a"]
    assert _errors(kind, right, nothing) == [(1, None)]


@pytest.mark.parametrize("kind", KINDS)
def test_accepts_declared_nulls(kind: type) -> None:
    right = mmf.DataFrame(schema={"a": kind}).plain_example[0]["a"]
    for declared in (kind | None, Optional[kind]):  # noqa: UP045
        assert _check(declared, right, None).isna().tolist() == [False, True]
        assert _check(declared, None, None).isna().all()


def test_nullable_integers_stay_integers() -> None:
    assert _check(int | None, 1, None).tolist() == [1, pd.NA]
    assert _check(int | None, 1, 2).dtype == "Int64"


def test_all_missing_columns_are_named() -> None:
    with pytest.raises(InvalidValue, match="missing columns: b, c") as caught:
        mmf.DataFrame(schema=dict.fromkeys("abc", float)).validate(pd.DataFrame({"a": [1.0]}))
    assert [error.column for error in caught.value.errors] == ["b", "c"]


def test_columns_are_reordered_and_extra_ones_dropped() -> None:
    table = pd.DataFrame({"other": ["x"], "b": [2.0], "a": [1.0]})
    expected = pd.DataFrame({"a": [1.0], "b": [2.0]})
    assert_frame_equal(mmf.DataFrame(schema={"a": float, "b": float}).validate(table), expected)


def test_rejects_duplicate_columns() -> None:
    table = pd.DataFrame([[1.0, 2.0]], columns=["a", "a"])
    with pytest.raises(InvalidValue, match="duplicate columns: a"):
        mmf.DataFrame(schema={"a": float}).validate(table)


@pytest.mark.parametrize("schema", [{"a": float}, None])
def test_rejects_duplicate_undeclared_columns(schema: Any) -> None:
    table = pd.DataFrame([[1.0, 2.0, 3.0]], columns=["a", "b", "b"])
    with pytest.raises(InvalidValue, match=r"^duplicate columns: b$") as caught:
        mmf.DataFrame(schema=schema).validate(table)
    assert caught.value.errors == (ErrorDetail("duplicate column", column="b"),)


@pytest.mark.parametrize(
    ("names", "detail", "message"),
    [
        (["ash"], "missing columns: alcohol", ""),
        (["ash", "x"], 'missing columns: alcohol; the table has "x" instead', ""),
        (["Alcohol "], 'the table has "Alcohol " instead', '; did you mean "Alcohol "?'),
        (["x", "alkohol"], 'the table has "alkohol", "x" instead', '; did you mean "alkohol"?'),
        (
            ["Report 2026", "Unnamed: 1"],
            "instead; the first row must be the column names, without a title above it",
            "",
        ),
        ([2026, None], 'the table has "2026", "None" instead', ""),
    ],
)
def test_missing_column_error_suggests_a_similar_name(
    names: list[Any], detail: str, message: str
) -> None:
    table = pd.DataFrame([range(1, len(names) + 1)], columns=pd.Index(names, dtype=object))
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"alcohol": float, "ash": float | None}).validate(table)
    assert detail in caught.value.detail
    assert caught.value.errors[0].message == f"missing column{message}"


def test_errors_are_ordered_by_row() -> None:
    table = pd.DataFrame({"a": ["1", "x", "y"], "b": ["z", "2", "w"]})
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": int, "b": float}).validate(table)
    cells = [(error.row, error.column, error.value) for error in caught.value.errors]
    assert cells == [(0, "b", "z"), (1, "a", "x"), (2, "a", "y"), (2, "b", "w")]


@pytest.mark.parametrize(("wrong", "reported"), [(19, 19), (20, 20), (21, 20), (500, 20)])
def test_errors_are_limited_and_counted(wrong: int, reported: int) -> None:
    with pytest.raises(InvalidValue) as caught:
        _check(float, *["x"] * wrong)
    assert len(caught.value.errors) == reported
    assert str(wrong) in caught.value.detail
    assert ("first 20" in caught.value.detail) is (wrong > MAX_ERRORS)


def test_reported_errors_are_from_the_first_rows() -> None:
    table = pd.DataFrame({"a": ["1"] * 5 + ["x"] * 25, "b": ["x"] * 30})
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": float, "b": float}).validate(table)
    rows = [error.row for error in caught.value.errors]
    assert rows == sorted([*range(13), *range(5, 12)])[:20]


def test_errors_are_json_serializable() -> None:
    with pytest.raises(InvalidValue) as caught:
        _check(datetime, 5, {"x": [1]}, 2**40)
    assert json.dumps([error.as_dict() for error in caught.value.errors])


def test_error_rows_are_positional() -> None:
    table = pd.DataFrame({"a": ["1", "x", "2"]}, index=[7, 7, 9])
    with pytest.raises(InvalidValue) as caught:
        mmf.DataFrame(schema={"a": int}).validate(table)
    assert caught.value.errors == (
        ErrorDetail('expected a whole number, got "x"', row=1, column="a", value="x"),
    )


def test_input_table_is_not_modified() -> None:
    table = pd.DataFrame({"a": ["1"], "b": [2]})
    before = table.copy()
    mmf.DataFrame(schema={"a": float}).validate(table)
    assert_frame_equal(table, before)


@pytest.mark.parametrize("declared", [list, "flaot", int | float, int | str | None, None, 5])
def test_rejects_unknown_type_when_declared(declared: object) -> None:
    with pytest.raises(DescriptorError, match=r"'price'.*str, int, float, bool, date, datetime"):
        mmf.DataFrame(schema={"price": declared})


def test_meta_has_the_schema() -> None:
    meta = mmf.DataFrame(schema={"a": float, "b": str | None}, pandas_params={"sep": ";"}).meta()
    assert meta["schema"] == "{'a': float, 'b': str | None}"
    assert meta["pandas_params"] == {"sep": ";"}
    assert mmf.DataFrame().meta()["schema"] == "None"


def test_csv_text_column_keeps_leading_zeros() -> None:
    descriptor = mmf.DataFrame(schema={"code": str, "n": int})
    codec = find(Kind.TABLE, Format.CSV)
    assert codec is not None
    table = descriptor.validate(codec.decode(b"code,n\n007,1\n", descriptor.options))
    assert table.to_dict("list") == {"code": ["007"], "n": [1]}


def test_pandas_params_take_precedence_over_the_schema() -> None:
    descriptor = mmf.DataFrame(schema={"a": str}, pandas_params={"dtype": {"a": int}, "sep": ";"})
    assert descriptor.options == {"types": {"a": str}, "dtype": {"a": int}, "sep": ";"}
    codec = find(Kind.TABLE, Format.CSV)
    assert codec is not None
    assert codec.decode(b"a;b\n007;8\n", descriptor.options)["a"].tolist() == [7]
    assert mmf.DataFrame(schema={"a": int}).options == {"types": {"a": int}}


def test_valid_table_of_floats_is_not_copied() -> None:
    table = pd.DataFrame({"a": [1.0, 1.5], "b": [2.0, 3.0]})
    assert mmf.DataFrame(schema={"a": float, "b": float}).validate(table) is table
