"""The function gets the declared dtype, whatever the input dtype is."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal, assert_series_equal

import mmf_core as mmf
from mmf_core.codecs.number_format import NumberFormat, set_number_format
from mmf_core.errors import DescriptorError, InvalidValue

NOON = datetime(2026, 1, 31, 12)
MOSCOW = timezone(timedelta(hours=3))
NOON_IN_MOSCOW = NOON.replace(tzinfo=MOSCOW)
DTYPES = {
    float: "float64",
    float | None: "float64",
    int: "int64",
    int | None: "Int64",
    bool: "bool",
    bool | None: "boolean",
    str: "str",
    str | None: "str",
    datetime: "datetime64[us]",
    datetime | None: "datetime64[us]",
}
RIGHT: dict[Any, list[Any]] = {
    float: [1, 1.5, "1e3", Decimal("0.1"), np.int8(100), np.float32(0.5), 2**70, Fraction(1, 4)],
    int: [
        *(1, 1.0, "7e2", Decimal("1E+2"), np.uint8(200), np.float16(2), 2**63 - 1),
        *("-9223372036854775808", " 7 "),
    ],
    bool: [True, np.False_, "TRUE", "false", 1, 0.0, "1", "0.0", Decimal(1), np.int8(0)],
    str: ["", "007", "NA", np.str_("a"), "\u00e9", "now"],
    datetime: [
        *(NOON, date(2026, 1, 31), "2026-01-31", pd.Timestamp(NOON)),
        np.datetime64("2026-01-31"),
    ],
}
WRONG: dict[Any, list[Any]] = {
    float: [
        *("", "x", True, np.True_, "1,5", "\u0661", 1j, b"1", [1], {}, NOON, timedelta(1)),
    ],
    int: [
        *(1.5, True, np.True_, 2**63, -(2**63) - 1, 2.0**53, -(2.0**53), np.float32(2**24)),
        *("1.0000000000000000001", "1e999999999", "x", math.inf, Decimal("Infinity")),
        Decimal("1E+999999999"),
    ],
    bool: [2, -1, 0.5, "yes", "", "tru", b"1", Decimal("0.5"), math.inf, "2", NOON],
    str: [1, 1.5, True, b"a", NOON, [], "\ud800"],
    datetime: [
        *(2026, 1.5, True, "", time(12), timedelta(1), b"2026-01-31", pd.Timestamp(1, unit="ns")),
        *(np.datetime64("2026-01-31T00:00:00.000000001"), np.datetime64("300000-01-01", "s")),
    ],
}
INVALID_CELLS = [(kind, cell) for kind, cells in WRONG.items() for cell in cells]


@pytest.mark.parametrize(
    ("dtype", "limit"),
    [
        *(("float64", 2**53), ("Float64", 2**53), ("float32", 2**24), ("Float32", 2**24)),
        *(("float16", 2**11), ("float[pyarrow]", 2**24), ("longdouble", 2**53)),
    ],
)
@pytest.mark.parametrize("others", [[], [None]])
def test_small_floats_have_a_lower_exact_integer_limit(
    dtype: str, limit: int, others: list[Any]
) -> None:
    cells = pd.Series([limit - 1, 1 - limit, *others], dtype="float64").astype(dtype)
    column = _column(int | None, cells)
    assert column.dtype == "Int64"
    assert column.tolist()[:2] == [limit - 1, 1 - limit]
    for wrong in (limit, -limit):
        with pytest.raises(InvalidValue) as caught:
            _column(int | None, pd.Series([1, wrong, *others], dtype="float64").astype(dtype))
        (error,) = caught.value.errors
        assert error.row == 1
        assert error.message.endswith("a float of this size may have lost digits: send an integer "
                                      "or a text")  # fmt: skip


def _column(declared: Any, cells: Any, decimal: str = ".") -> pd.Series[Any]:
    table = pd.DataFrame({"a": cells})
    set_number_format(table, NumberFormat(decimal))
    column: pd.Series[Any] = mmf.DataFrame(schema={"a": declared}).validate(table)["a"]
    return column


def _objects(*cells: Any) -> pd.Series[Any]:
    values = np.empty(len(cells), dtype=object)
    values[:] = cells
    return pd.Series(values, dtype=object)


def _message(declared: Any, cells: Any, decimal: str = ".") -> str:
    with pytest.raises(InvalidValue) as caught:
        _column(declared, cells, decimal)
    (error,) = caught.value.errors
    return error.message


@pytest.mark.parametrize("kind", RIGHT)
@pytest.mark.parametrize("nullable", [False, True])
def test_dtype_is_always_the_declared_one(kind: Any, *, nullable: bool) -> None:
    declared = kind | None if nullable else kind
    cells = RIGHT[kind]
    whole = _column(declared, _objects(*cells))
    assert whole.dtype == DTYPES[declared]
    for row, cell in enumerate(cells):
        for alone in (_column(declared, _objects(cell)), _column(declared, [cell])):
            assert_series_equal(alone, whole.iloc[[row]].reset_index(drop=True))
    if nullable:
        beside = _column(declared, _objects(None, *cells))
        assert_series_equal(beside.iloc[1:].reset_index(drop=True), whole)
        assert beside.isna().tolist() == [True] + [False] * len(cells)
        assert _column(declared, _objects(None, None)).dtype == DTYPES[declared]


@pytest.mark.parametrize(("kind", "cell"), INVALID_CELLS, ids=repr)
@pytest.mark.parametrize("nullable", [False, True])
def test_invalid_cell_is_reported_by_row(kind: Any, cell: Any, *, nullable: bool) -> None:
    cells = RIGHT[kind]
    with pytest.raises(InvalidValue) as caught:
        _column(kind | None if nullable else kind, _objects(cells[0], cell, cells[-1]))
    assert [error.row for error in caught.value.errors] == [1]


DTYPES_OF_NUMBERS = [
    *("int8", "uint8", "int16", "int64", "uint64", "float16", "float32", "longdouble", ">i4"),
    *(">f8", "Int8", "UInt64", "Float32", "Float64"),
    *("int8[pyarrow]", "uint64[pyarrow]", "double[pyarrow]"),
]
DTYPES_WITH_NULLS = [
    *("Int64", "UInt8", "Float64", "boolean", "int64[pyarrow]", "bool[pyarrow]"),
]


@pytest.mark.parametrize("dtype", DTYPES_OF_NUMBERS)
@pytest.mark.parametrize("kind", [float, int, bool])
@pytest.mark.parametrize("other", [1.5, np.int8(1)])
def test_numeric_dtypes_are_converted(dtype: str, kind: Any, other: Any) -> None:
    cells = [1, 0] if kind is bool else [100, 0]
    table = pd.DataFrame({"a": pd.Series(cells, dtype=dtype), "b": other})
    for schema in ({"a": kind}, {"a": kind, "b": float}):
        column = mmf.DataFrame(schema=schema).validate(table)["a"]
        assert column.dtype == DTYPES[kind]
        assert column.tolist() == cells
        if kind is not bool:
            assert (column * 3).tolist() == [300, 0]


@pytest.mark.parametrize("dtype", DTYPES_WITH_NULLS)
@pytest.mark.parametrize("kind", [float, int, bool])
def test_nulls_of_every_dtype(dtype: str, kind: Any) -> None:
    table = pd.DataFrame({"a": pd.Series([1, None], dtype=dtype)})
    if "bool" in dtype and kind is not bool:
        return
    column = mmf.DataFrame(schema={"a": kind | None}).validate(table)["a"]
    assert (column.dtype, column.isna().tolist()) == (DTYPES[kind | None], [False, True])
    assert column[0] == 1
    with pytest.raises(InvalidValue, match="1 cell"):
        mmf.DataFrame(schema={"a": kind}).validate(table)


@pytest.mark.parametrize("dtype", ["Int64", "int64[pyarrow]", "UInt64"])
def test_long_integers_beside_nulls_are_exact(dtype: str) -> None:
    column = _column(int | None, pd.Series([2**53 + 1, None], dtype=dtype))
    assert column.tolist() == [2**53 + 1, pd.NA]


def test_categoricals_are_converted_by_value() -> None:
    long = pd.Series(pd.Categorical([2**53 + 1, None]))
    assert _column(int | None, long).tolist() == [2**53 + 1, pd.NA]
    assert _column(float, pd.Series(pd.Categorical(["1.5", "2"]))).tolist() == [1.5, 2.0]
    assert _column(str, pd.Series(pd.Categorical(["a"]))).dtype == "str"
    declared = mmf.Column(int | None, choices=[3, 2**53 + 1], category=True)
    column = _column(declared, long)
    assert column.dtype == pd.CategoricalDtype([3, 2**53 + 1])
    assert column[0] == 2**53 + 1


def test_every_string_dtype_is_equivalent() -> None:
    for dtype in ("str", "string", "string[python]", "string[pyarrow]", object):
        texts = pd.Series(["1.5", None], dtype=dtype)
        assert_series_equal(_column(float | None, texts), pd.Series([1.5, None], name="a"))
        assert_series_equal(
            _column(str | None, texts), pd.Series(["1.5", None], name="a", dtype="str")
        )


def _fits(column: pd.Series[Any], declared: Any) -> Any:
    try:
        return _column(declared, column)
    except InvalidValue as error:
        return [(detail.row, detail.message.partition(", got")[0]) for detail in error.errors]


NUMBERS = {
    "int64": st.integers(-(2**63), 2**63 - 1) | st.sampled_from([0, 1, 2**53, 2**53 + 1]),
    "uint64": st.integers(0, 2**64 - 1) | st.sampled_from([2**63 - 1, 2**63]),
    "Int64": st.none() | st.integers(-(2**63), 2**63 - 1),
    "float64": st.floats() | st.sampled_from([1.0, 2.0**53, 2.0**53 - 1, -0.0, 1e300]),
    "bool": st.booleans(),
}


@pytest.mark.parametrize("dtype", NUMBERS)
@given(data=st.data(), kind=st.sampled_from([float, int, bool]), nullable=st.booleans())
def test_typed_column_equals_its_cells(
    dtype: str, data: st.DataObject, kind: Any, *, nullable: bool
) -> None:
    typed = pd.Series(data.draw(st.lists(NUMBERS[dtype], min_size=1)), dtype=dtype)
    declared = (
        mmf.Column(kind | None if nullable else kind, finite=False) if kind is float else kind
    )
    expected, same = _fits(typed, declared), _fits(typed.astype(object), declared)
    if isinstance(expected, list):
        assert same == expected
    else:
        assert_series_equal(same, expected)


@given(
    numbers=st.lists(
        st.integers(-(2**70), 2**70) | st.decimals(allow_nan=False, allow_infinity=False, places=3)
    ),
    kind=st.sampled_from([float, int]),
    decimal=st.sampled_from(".,"),
)
def test_numbers_and_their_texts_are_equivalent(
    numbers: list[Any], kind: Any, decimal: str
) -> None:
    texts = [str(number).replace(".", decimal) for number in numbers]
    values, same = _fits(_objects(*numbers, 1), kind), _fits(_objects(*numbers, "1"), kind)
    in_file = _fits_texts([*texts, "1"], kind, decimal)
    for other in (same, in_file):
        if isinstance(values, list):
            assert other == values
        else:
            assert_series_equal(other, values)


def _fits_texts(texts: list[str], kind: Any, decimal: str) -> Any:
    try:
        return _column(kind, texts, decimal)
    except InvalidValue as error:
        return [(detail.row, detail.message.partition(", got")[0]) for detail in error.errors]


# The number format of a file


def test_decimal_sign_of_the_file_is_used() -> None:
    assert _column(float, ["1,5", "7"], ",").tolist() == [1.5, 7.0]
    assert _column(int, ["1,0"], ",").tolist() == [1]
    assert _column(bool, ["1,0"], ",").tolist() == [True]
    assert _message(float, ["7,5", "1.234,56"], ",") == (
        'expected a number, got "1.234,56"; this file has decimal commas, and thousands signs are '
        "not read: remove them, or the author declares them in pandas_params"
    )
    assert "decimal commas" in _message(int, ["12.000"], ",")
    assert _message(float, ["1,234"]) == (
        'expected a number, got "1,234"; '
        "write numbers with a decimal point and without thousands signs"
    )


@pytest.mark.parametrize("schema", [None, {"a": float, "b": float}, {"a": float, "b": int}])
def test_internal_attrs_are_not_passed_to_the_function(schema: Any) -> None:
    table = pd.DataFrame({"a": [1.5], "b": [1.0]})
    table.attrs["mmf_number_format"] = ["forged", 1, 2]
    assert mmf.DataFrame(schema=schema).validate(table).attrs == {}
    assert table.attrs


# Floats are finite

INFINITIES = [
    *(math.inf, -math.inf, "inf", "1e999", Decimal("1e999"), np.float32("inf"), 10**309),
]


@pytest.mark.parametrize("cell", INFINITIES, ids=repr)
def test_rejects_infinity_unless_declared(cell: Any) -> None:
    for other in ({"b": float}, {"b": str}):
        table = pd.DataFrame({"a": _objects(1.5, cell), "b": "1"})
        for declared in (float, float | None, mmf.Column(float, ge=-5)):
            with pytest.raises(InvalidValue) as caught:
                mmf.DataFrame(schema={"a": declared, **other}).validate(table)
            (error,) = caught.value.errors
            assert (error.row, error.column) == (1, "a")
            assert ">= -5" in error.message or error.message.endswith("; send a finite number")
        endless = mmf.DataFrame(schema={"a": mmf.Column(float, finite=False), **other})
        assert abs(endless.validate(table)["a"][1]) == math.inf


@pytest.mark.parametrize("finite", [True, False])
def test_block_of_floats_is_checked_for_infinity(finite: bool) -> None:
    block = pd.DataFrame([[1.5, math.inf], [2.5, 3.5]], columns=["a", "b"])
    descriptor = mmf.DataFrame(schema={"a": float, "b": mmf.Column(float, finite=finite)})
    if finite:
        with pytest.raises(InvalidValue, match="1 cell does not match"):
            descriptor.validate(block)
    else:
        assert_frame_equal(descriptor.validate(block), block)


def test_rejects_finite_option_for_other_types() -> None:
    assert repr(mmf.Column(float | None, finite=False)) == "mmf.Column(float | None, finite=False)"
    with pytest.raises(DescriptorError, match="finite=False: a int column has no infinity"):
        mmf.Column(int, finite=False)


# Whole numbers beyond 2**53


def test_rejects_inexact_float_as_integer() -> None:
    assert _column(int, [2.0**53 - 1]).tolist() == [2**53 - 1]
    assert _column(float, [2.0**53]).tolist() == [2.0**53]
    assert _message(int, [1.0, 2.0**53]) == (
        "expected a whole number, got 9007199254740992.0; "
        "a float of this size may have lost digits: send an integer or a text"
    )


# Dates


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31)),
        ("2026-01-31 12:00", NOON),
        ("2026-01-31T12:00:00.5", NOON.replace(microsecond=500_000)),
        ("2026-01-31T12:00:00.1234560000000", NOON.replace(microsecond=123_456)),
        ("2026-01-31T12:00Z", NOON.replace(tzinfo=UTC)),
        ("2026-01-31T12:00:00.000001-00:00", NOON.replace(microsecond=1, tzinfo=UTC)),
        *((f"2026-01-31T12:00{zone}", NOON_IN_MOSCOW) for zone in ("+03:00", "+0300", "+03")),
        ("0001-01-01", datetime(1, 1, 1)),
        ("9999-12-31T23:59:59.999999", datetime(9999, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_accepts_iso_8601(text: str, moment: datetime) -> None:
    for column in (_column(datetime, [text]), _column(datetime, _objects(text, moment))):
        assert column.tolist() == [moment] * len(column)
        assert column.array.unit == "us"
        assert column.dt.tz == moment.tzinfo
    assert mmf.Datetime().validate(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        *("now", "today", "NaT", "nat", "null", "None", "", " ", "2026", "202601", "20260131"),
        *("2026-01", "+002026-01-31", "-0001-01-01", "0000-01-01", "2026-W05-6", "2026-031"),
        *(" 2026-01-31", "2026-01-31 ", "2026-01-31\n", "2026-01-31\n2026-01-31", "2026-1-3"),
        *("2026/01/31", "31.01.2026", "Jan 1 2026", "1 \u044f\u043d\u0432 2026", "12:00", "T12"),
        *("2026-01-31T12", "2026-01-31T24:00:00", "2026-01-31T12:00:60", "2026-01-31T1200"),
        *("2026-01-31T12:00:00,5", "2026-01-31T12:00:00.", "2026-01-31T12:00:00.1234567"),
        *("2026-01-31T12:00 Z", "2026-01-31T12:00z", "2026-01-31t12:00", "2026-01-31Z"),
        *("2026-01-31T12:00+3", "2026-01-31T12:00+24:00", "2026-01-31T12:00+03:00:00"),
        *("2026-02-30", "2026-13-01", "2026-01-31T12:61", "\uff12026-01-31", "1e3", "1769860800"),
    ],
)
def test_rejects_texts_that_resemble_dates(text: str) -> None:
    for declared in (datetime, datetime | None):
        for cells in ([text], ["2026-01-31", text], _objects(NOON, text)):
            assert f'got "{text}"' in _message(declared, cells).replace("\\n", "\n")
    with pytest.raises(InvalidValue):
        mmf.Datetime().validate(text)


@given(
    st.lists(
        st.datetimes(timezones=st.just(UTC) | st.just(MOSCOW) | st.none()).map(datetime.isoformat)
        | st.dates().map(date.isoformat)
        | st.text("0123456789-:.T +Z", max_size=30),
        min_size=1,
        max_size=5,
    )
)
def test_dates_are_parsed_independently_of_other_rows(texts: list[str]) -> None:
    together = _fits(pd.Series(texts), datetime | None)
    alone = [_fits(pd.Series([text]), datetime | None) for text in texts]
    moments = [column for column in alone if not isinstance(column, list)]
    if isinstance(together, list):
        offsets = {str(column.dtype) for column in moments}
        wrong = [row for row, column in enumerate(alone) if isinstance(column, list)]
        assert [row for row, _ in together] == (wrong if len(offsets) < 2 else [None])
    else:
        assert together.tolist() == [column[0] for column in moments]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "UTC", "Europe/Moscow"])
def test_datetimes_become_microseconds(unit: str, zone: str | None) -> None:
    typed = pd.Series([NOON, pd.NaT]).dt.as_unit(unit).dt.tz_localize(zone)
    column = _column(datetime | None, typed)
    assert column.dtype == (pd.DatetimeTZDtype("us", zone) if zone else "datetime64[us]")
    assert_series_equal(column, typed.rename("a").dt.as_unit("us"))
    assert_series_equal(_column(datetime | None, typed.astype(object)), column)


def test_rejects_nanoseconds() -> None:
    typed = pd.Series(pd.to_datetime([0, 1, 1000], unit="ns"))
    for cells in (typed, typed.astype(object)):
        assert "got 1970-01-01 00:00:00.000000001; write it as" in _message(datetime, cells)


def test_rejects_dates_out_of_range() -> None:
    far = pd.Series(np.array(["2026-01-31", "300000-01-01"], dtype="datetime64[s]"))
    assert "got 300000-01-01" in _message(datetime, far)
