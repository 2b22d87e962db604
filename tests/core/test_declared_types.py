"""Types accepted by `schema=` and `Column`: names, dtypes of NumPy and pandas, `X.dtypes`."""

from datetime import date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import mmf_core as mmf
from mmf_core.errors import DescriptorError, InvalidValue

ORDERED = pd.CategoricalDtype(["low", "high"], ordered=True)


def check(column: Any, *cells: object) -> "pd.Series[Any]":
    checked: pd.Series[Any] = mmf.DataFrame(schema={"a": column}).validate(
        pd.DataFrame({"a": pd.Series(cells, dtype=object)})
    )["a"]
    return checked


@pytest.mark.parametrize(
    ("declared", "cell", "dtype"),
    [
        ("str", "7", "str"),
        ("int", "7", "int64"),
        ("float", "7", "float64"),
        ("bool", "true", "bool"),
        ("date", "2026-01-31", "datetime64[us]"),
        ("datetime", "2026-01-31T12:00", "datetime64[us]"),
        ("float | None", None, "float64"),
        ("int | None", None, "Int64"),
        ("float64", 7, "float64"),
        ("float32", 7, "float32"),
        ("float16", 7, "float16"),
        ("Float64", None, "Float64"),
        ("Float32", 0.5, "Float32"),
        ("int64", 7, "int64"),
        ("int8", 7, "int8"),
        ("uint8", 255, "uint8"),
        ("uint64", 7, "uint64"),
        ("Int64", None, "Int64"),
        ("UInt16", None, "UInt16"),
        ("boolean", None, "boolean"),
        ("string", None, "string"),
        ("datetime64[ns]", "2026-01-31", "datetime64[us]"),
        ("datetime64[s]", "2026-01-31", "datetime64[us]"),
        ("datetime64[ns, Europe/Berlin]", "2026-01-31", "datetime64[us, Europe/Berlin]"),
        (np.float32, 7, "float32"),
        (np.int16, 7, "int16"),
        (np.bool_, 1, "bool"),
        (np.str_, "x", "str"),
        (np.dtype("f8"), 7, "float64"),
        (np.dtype("U5"), "longer text", "str"),
        (pd.Int32Dtype(), None, "Int32"),
        (pd.StringDtype(na_value=np.nan), "x", "str"),
        (pd.DatetimeTZDtype("ns", "UTC"), "2026-01-31", "datetime64[us, UTC]"),
        (ORDERED, "high", ORDERED),
        (pd.CategoricalDtype([1, 2]), 2, pd.CategoricalDtype([1, 2])),
        (mmf.Column("category", choices=["a", "b"]), "b", pd.CategoricalDtype(["a", "b"])),
    ],
    ids=repr,
)
def test_function_gets_the_declared_dtype(declared: Any, cell: object, dtype: Any) -> None:
    checked = check(declared, cell)
    assert checked.dtype == dtype
    assert checked.isna().tolist() == [cell is None]


@pytest.mark.parametrize(
    ("declared", "cell", "message"),
    [
        ("int8", 128, "expected a whole number >= -128 and <= 127, got 128"),
        ("uint8", -1, "expected a whole number >= 0 and <= 255, got -1"),
        ("uint64", -1, "expected a whole number >= 0, got -1"),
        ("float32", 1e39, "expected a number of float32, got 1e+39"),
        ("float16", 70_000, "expected a number of float16, got 70000"),
        ("float32", float("inf"), "expected a number of float32, got inf"),
        ("Float32", 1e39, "expected a number of float32, got 1e+39"),
        ("float64", None, "expected a number, got an empty cell"),
        ("datetime64[ns]", "2026-01-31T12:00Z", "expected a date and time without a UTC offset"),
        (pd.CategoricalDtype([1, 2]), 3, "expected one of 1, 2, got 3"),
    ],
    ids=repr,
)
def test_rejects_values_out_of_range_of_the_dtype(
    declared: Any, cell: object, message: str
) -> None:
    with pytest.raises(InvalidValue) as caught:
        check(declared, cell)
    assert caught.value.errors[0].message.startswith(message)


def test_small_float_may_allow_infinity() -> None:
    column = mmf.Column("float32", finite=False)
    assert check(column, float("inf")).tolist() == [float("inf")]
    with pytest.raises(InvalidValue):
        check(column, 1e39)


def test_declared_and_dtype_bounds_are_combined() -> None:
    column = mmf.Column("int8", ge=-500, le=5)
    assert (column.ge, column.le) == (-128, 5)
    assert column.json_schema() == {"type": "integer", "minimum": -128, "maximum": 5}
    assert repr(column) == "mmf.Column('int8', ge=-128, le=5)"


@pytest.mark.parametrize(
    ("declared", "message"),
    [
        *[
            (declared, "expected one of str, int, float, bool, date, datetime, optionally with ")
            for declared in (
                *("x", "", "int | str", "None", "complex128", "timedelta64[ns]", "float128", "S5"),
                *("period[D]", "Sparse[float]", list, complex, bytes, None, 5, 1.5, int | str),
                *(np.dtype("m8[ns]"), np.dtype([("a", int)]), pd.ArrowDtype(pa.int64()), "int,int"),
            )
        ],
        ("object", "'object' does not say what the cells are: use mmf.schema_of(table)"),
        (np.dtype(object), "does not say what the cells are"),
        (np.object_, "does not say what the cells are"),
        ("category", "expected its categories"),
        (pd.CategoricalDtype(), "expected its categories"),
        (pd.CategoricalDtype([]), "expected its categories"),
        (pd.CategoricalDtype(["a", 1]), "expected categories of one type, got int, str"),
        (pd.CategoricalDtype(pd.interval_range(0, 2)), "expected categories of one type"),
        ("datetime64[ns, UTC+03:00]", "expected"),
    ],
    ids=repr,
)
def test_unknown_type_error_lists_known_types(declared: Any, message: str) -> None:
    with pytest.raises(DescriptorError) as caught:
        mmf.DataFrame(schema={"price": declared})
    assert str(caught.value).startswith("schema: column 'price': ")
    assert message in str(caught.value)


def test_dtypes_are_a_schema() -> None:
    table = pd.DataFrame(
        {
            "alcohol": [13.5],
            "year": np.array([2020], "int16"),
            "name": ["Barolo"],
            "colour": pd.Categorical(["red"], ["red", "white"]),
            "bottled": pd.to_datetime(["2026-01-31"]).as_unit("us"),
            "organic": [True],
        }
    )
    checked = mmf.DataFrame(schema=table.dtypes).validate(table.astype(object))
    pd.testing.assert_frame_equal(checked, table)
    floats = mmf.DataFrame(schema=table[["alcohol"]].dtypes)
    assert floats.is_homogeneous
    assert not mmf.DataFrame(schema=table[["alcohol"]].astype("float32").dtypes).is_homogeneous


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "column 'a': expected unique names"),
        (pd.DataFrame([[1, 2]]), "column 0: expected a text as its name"),
        (pd.DataFrame({"a": pd.Series(["x", 1], dtype=object)}), "column 'a': .*mmf.schema_of"),
    ],
)
def test_rejects_dtypes_that_are_not_a_schema(table: pd.DataFrame, message: str) -> None:
    with pytest.raises(DescriptorError, match=message):
        mmf.DataFrame(schema=table.dtypes)


def test_categories_of_dates_and_datetimes() -> None:
    moments = pd.CategoricalDtype(pd.to_datetime(["2026-01-31", "2026-02-01"]))
    assert check(moments, "2026-02-01").cat.codes.tolist() == [1]
    days = pd.CategoricalDtype([date(2026, 1, 31)])
    assert mmf.Column(days).kind is date
    assert mmf.Column(moments).kind is datetime
    assert check(mmf.Column(days), "2026-01-31").cat.codes.tolist() == [0]
