"""Cells of workbooks: columns get what the sheet contains, alike in XLSX, XLS and ODS."""

from __future__ import annotations

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sheets import DATE, DATETIME, DURATION, FORMATS, TIME, Error, Shown, ods, ods_cell, xlsx
from test_workbooks import repacked

import mmf_core as mmf
from mmf_core.codecs import zipped
from mmf_core.errors import ErrorDetail, InvalidValue, RequestError

EXCEL = ["xlsx", "xls"]
ALL = [*EXCEL, "ods"]
MOMENT = datetime(2026, 1, 31, 12, 30, 15)


def read(form: str, *rows: Any, **options: Any) -> pd.DataFrame:
    codec, write = FORMATS[form]
    table: pd.DataFrame = codec.decode(write(rows), options)
    return table


def read_as(form: str, types: dict[str, Any], *rows: Any) -> pd.DataFrame:
    codec, write = FORMATS[form]
    descriptor = mmf.DataFrame(schema=types)
    return descriptor.validate(codec.decode(write(rows), descriptor.options))


def cells(column: pd.Series) -> list[Any]:
    nulls = column.isna()
    return [None if null else cell for cell, null in zip(column.tolist(), nulls, strict=True)]


def column_of(form: str, *values: Any) -> pd.Series:
    """Read values as a column; a second column keeps rows that are empty in it."""
    return read(form, ["a", "z"], *([value, "z"] for value in values))["a"]


# Types of cells


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1.0, 2.0], "int64"),
        ([1.0, 2.5], "float64"),
        ([1.0, None], "float64"),
        ([2.0**53 - 1, 1.0], "int64"),
        ([2.0**53, 1.0], "float64"),
        ([1e300, 1.0], "float64"),
        ([True, False], "bool"),
        ([True, None], "object"),
        ([True, 1.0], "object"),
        (["x", None], "str"),
        (["007", 7.0], "object"),
        ([9007199254740992.0, "x"], "object"),
        (["9007199254740993", None], "str"),
        ([MOMENT, None], "datetime64[us]"),
        ([MOMENT, date(2026, 1, 31)], "datetime64[us]"),
        ([MOMENT, "2026-01-31"], "object"),
        ([time(12, 30, 15), time(0, 0, 1)], "object"),
        ([time(12, 30, 15), None], "object"),
        ([time(12, 30, 15), MOMENT, 5.0], "object"),
    ],
)
def test_cell_types(form: str, values: list[Any], dtype: str) -> None:
    column = column_of(form, *values)
    expected = [
        pd.Timestamp(value) if isinstance(value, date) and dtype.startswith("date") else value
        for value in values
    ]
    assert column.dtype == dtype
    assert cells(column) == expected
    if dtype == "object":
        assert [type(cell) for cell in cells(column)] == [
            int if type(value) is float and value < 2**53 else type(value) for value in values
        ]


@pytest.mark.parametrize("form", EXCEL)
def test_durations_are_timedeltas(form: str) -> None:
    spans = [timedelta(hours=30), timedelta(), -timedelta(minutes=5), timedelta(400, 3, 500_000)]
    column = column_of(form, *spans)
    assert column.dtype == "timedelta64[us]"
    assert column.tolist() == spans


@pytest.mark.parametrize("form", EXCEL)
@pytest.mark.parametrize("format_", ["[h]:mm", "[mm]:ss", "[SS]", '"h"[hh]:mm', "[Red][h]:mm"])
def test_every_duration_format_is_recognized(form: str, format_: str) -> None:
    assert column_of(form, Shown(1.5, format_)).tolist() == [timedelta(days=1.5)]


@pytest.mark.parametrize("form", EXCEL)
@pytest.mark.parametrize(
    ("format_", "value"),
    [('"[h]"0', 1.5), ("[Red]0.0", 1.5), ("[$-409]h:mm", datetime(1900, 1, 1, 12))],
)
def test_other_bracketed_formats_are_not_durations(form: str, format_: str, value: Any) -> None:
    assert column_of(form, Shown(1.5, format_)).tolist() == [value]


@pytest.mark.parametrize("form", EXCEL)
@pytest.mark.parametrize("mac", [False, True])
@pytest.mark.parametrize("format_", [DATE, DATETIME, TIME])
@pytest.mark.parametrize(
    "serial",
    [
        0,
        0.5,
        0.99999,
        0.9999999999,
        1,
        1.5,
        59,
        59.5,
        61,
        1461,
        45_000.9999999999,
        46_053.5,
        2_957_000,
    ],
)
def test_date_serial_numbers(form: str, serial: float, format_: str, *, mac: bool) -> None:
    """Excel has two calendars; the first is a day off before March 1900."""
    codec, write = FORMATS[form]
    (cell,) = codec.decode(write([["a"], [Shown(serial, format_)]], mac=mac), {})["a"].tolist()
    if serial < 1:
        milliseconds = timedelta(milliseconds=round(serial * 86_400_000))
        assert cell == (datetime(1900, 1, 1) + milliseconds).time()
        return
    epoch = datetime(1904, 1, 1) if mac else datetime(1899, 12, 31 if serial < 60 else 30)
    assert cell == epoch + timedelta(milliseconds=round(serial * 86_400_000))


@pytest.mark.parametrize("form", EXCEL)
@pytest.mark.parametrize(
    ("serial", "format_"),
    [
        (60, DATE),
        (60.5, DATETIME),
        (-1, DATE),
        (-0.5, TIME),
        (-400.25, DATETIME),
        (2_958_466, DATE),
        (1e9, DATETIME),
        (1e300, DATE),
        (1e9, DURATION),
        (1e300, DURATION),
        (-1e9, DURATION),
    ],
)
def test_impossible_date_is_a_number_and_one_error(form: str, serial: float, format_: str) -> None:
    rows = [["a", "b"], [MOMENT, -2.5], [Shown(serial, format_), 1.5], [time(12), -timedelta(1)]]
    column, other = (series.tolist() for _, series in read(form, *rows).items())
    assert column == [MOMENT, serial, time(12)]
    assert other == [-2.5, 1.5, -timedelta(1)]
    with pytest.raises(InvalidValue) as caught:
        read_as(form, {"a": datetime}, *rows[:3])
    assert [(error.row, error.column) for error in caught.value.errors] == [(1, "a")]


def test_impossible_dates_are_checked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    monkeypatch.setattr(zipped, "_check", checked.append)
    cells = [Shown(-1, DATE), Shown(1e300, DURATION), Error("#SPILL!"), Shown(60, DATE)]
    assert read("xlsx", ["a"], *([cell] for cell in cells))["a"].tolist()[0::3] == [-1, 60]
    assert len(checked) == len(set(checked))


@pytest.mark.parametrize("form", EXCEL)
def test_excel_leap_day_1900_is_not_a_date(form: str) -> None:
    """In the other calendar the same number is a date."""
    column = column_of(form, Shown(59, DATE), Shown(60, DATE), Shown(60.0, "0"), time(12))
    assert column.tolist() == [datetime(1900, 2, 28), 60, 60, time(12)]
    write = FORMATS[form][1]
    table = FORMATS[form][0].decode(write([["a"], [Shown(60, DATE)]], mac=True), {})
    assert table["a"].tolist() == [datetime(1904, 3, 1)]


def with_formula(form: str, formula: str, rows: Any) -> bytes:
    """Return rows in which a cell of 0.25 has become a formula."""
    part, cell = {
        "xlsx": ("xl/worksheets/sheet1.xml", ' t="n"><v>0.25</v>'),
        "ods": ("content.xml", ods_cell(0.25)),
    }[form]

    def change(content: bytes) -> bytes:
        assert content.count(cell.encode()) == 1
        return content.replace(cell.encode(), formula.encode())

    return repacked(FORMATS[form][1](rows), part, change)


@pytest.mark.parametrize("kind", [float, int, str, bool, datetime, None])
@pytest.mark.parametrize(
    ("form", "formula"),
    [
        ("xlsx", "><f>1+1</f>"),
        ("xlsx", "><f>1+1</f><v/>"),
        ("xlsx", "><f>1+1</f><v></v>"),
        ("xlsx", "><f t='shared' si='0'/>"),
        ("xlsx", ' t="n"><f t="shared" si="0"/><v />'),
        ("xlsx", " t='b'><f ca=\"1\">A1&gt;2</f><v></v>"),
        ("ods", "<table:table-cell table:formula='of:=1+1'/>"),
        ("ods", '<table:table-cell table:formula="of:=1&gt;1"></table:table-cell>'),
    ],
)
def test_rejects_formula_without_cached_value(form: str, formula: str, kind: Any) -> None:
    data = with_formula(form, formula, [["a", "b"], [1.5, "x"], [0.25, "y"]])
    descriptor = mmf.DataFrame(schema=None if kind is None else {"a": kind | None, "b": str})
    with pytest.raises(InvalidValue, match=r"formulas.*open it in Excel") as caught:
        descriptor.validate(FORMATS[form][0].decode(data, descriptor.options))
    assert [(error.row, error.column) for error in caught.value.errors] == [(1, "a")]


@pytest.mark.parametrize(
    ("form", "formula"),
    [("xlsx", "><f>1+1</f>"), ("ods", "<table:table-cell table:formula='of:=1+1'/>")],
)
def test_formula_without_value_in_an_unused_column_is_ignored(form: str, formula: str) -> None:
    rows = [["a", "b"], [1.5, 0.25], [2.5, 3.5]]
    descriptor = mmf.DataFrame(schema={"a": float})
    codec = FORMATS[form][0]
    table = codec.decode(with_formula(form, formula, rows), descriptor.options)
    assert descriptor.validate(table)["a"].tolist() == [1.5, 2.5]
    header = with_formula(form, formula, [["a", 0.25], [1.5, 3.5]])
    with pytest.raises(InvalidValue, match="formulas"):
        codec.decode(header, {})


@pytest.mark.parametrize(
    ("form", "formula", "value"),
    [
        ("xlsx", ' t="str"><f>A1</f><v></v>', None),
        ("xlsx", ' t="str"><f>A1</f><v>x</v>', "x"),
        ("xlsx", "><f>A1</f><v>0</v>", 0),
        ("xlsx", ' t="e"><f>A1</f><v>#N/A</v>', None),
        (
            "ods",
            '<table:table-cell table:formula="of:=1" office:value-type="float" office:value="0"/>',
            0,
        ),
        (
            "ods",
            ods_cell("").replace(" office", ' table:formula="of:=1" office', 1),
            None,
        ),
    ],
)
def test_formula_is_read_as_its_cached_value(form: str, formula: str, value: Any) -> None:
    data = with_formula(form, formula, [["a", "b"], [0.25, "x"]])
    assert cells(FORMATS[form][0].decode(data, {})["a"]) == [value]


@pytest.mark.parametrize("cell", ['t="e"><v>#SPILL!', 't="e"><f>A1+"&lt;"</f><v>#GETTING_DATA',
                                  "t='e'><f t='shared' si='0'/><v>#CALC!"])  # fmt: skip
def test_newer_excel_errors_are_null(cell: str) -> None:
    def change(sheet: bytes) -> bytes:
        assert sheet.count(b't="e"><v>#N/A') == 1
        return sheet.replace(b't="e"><v>#N/A', cell.encode())

    data = repacked(
        xlsx([["a", "b"], [Error("#N/A"), "#SPILL!"], [1.5, "x"]]),
        "xl/worksheets/sheet1.xml",
        change,
    )
    table = FORMATS["xlsx"][0].decode(data, {})
    assert cells(table["a"]) == [None, 1.5]
    assert table["b"].tolist() == ["#SPILL!", "x"]


def test_tag_with_many_attributes_is_fast() -> None:
    """Reading it repeatedly takes minutes."""

    def change(sheet: bytes) -> bytes:
        cells = b'<c r="A2" t="e"><v>#SPILL!</v></c><c ' + b't="e" s="1" ' * 100_000 + b"/>"
        return sheet.replace(b"</row>", b'</row><row r="2">' + cells + b"</row>", 1)

    data = repacked(xlsx([["a"]]), "xl/worksheets/sheet1.xml", change)
    start = monotonic()
    with suppress(RequestError):
        FORMATS["xlsx"][0].decode(data, {})
    assert monotonic() - start < 30


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize(
    "text", ["#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!"]
)
def test_error_cell_is_null(form: str, text: str) -> None:
    assert cells(column_of(form, 1.5, Error(text))) == [1.5, None]
    with pytest.raises(InvalidValue, match="1 cell") as caught:
        read_as(form, {"a": float}, ["a", "z"], [1.5, "z"], [Error(text), "z"])
    assert caught.value.errors[0].message == "expected a number, got an empty cell"


@pytest.mark.parametrize("text", ["Err:502", "#ДЕЛ/0!", "#ССЫЛКА!", "#NV", "#WERT!"])
def test_ods_errors_in_any_language_are_null(text: str) -> None:
    assert cells(column_of("ods", Error(text), 1.5)) == [None, 1.5]


@pytest.mark.parametrize(
    "cell",
    [
        ods_cell(0.0).replace("office:value", 'calcext:value-type="error" office:value', 1),
        ods_cell(Error("#N/A")).replace("#N/A", "<text:span>#N/A</text:span>"),
        ods_cell(Error("#N/A")).replace("<text:p>", "\n <text:p text:style-name='a'>"),
        ods_cell(Error("#N/A")).replace(
            " office", " table:formula='of:=IF(1>2;\"/\";0)' office", 1
        ),
        ods_cell(Error("#N/A")).replace(
            "<text:p>",
            "<office:annotation><dc:date>2026-01-31T12:00:00</dc:date><text:p>7</text:p>"
            "</office:annotation><text:p>",
        ),
        ods_cell(Error("#N/A")).replace("table-cell", "covered-table-cell"),
        ods_cell(Error("#N/A")).replace("#N/A", "#N<text:span/>/A"),
        "<table:table-cell calcext:value-type = 'error' office:boolean-value='true'/>",
    ],
)
def test_ods_error_notations_are_null(cell: str) -> None:
    def change(content: bytes) -> bytes:
        assert ods_cell(2.5).encode() in content
        return content.replace(ods_cell(2.5).encode(), cell.encode())

    data = repacked(ods([["a"], [2.5], [1.5]]), "content.xml", change)
    assert cells(FORMATS["ods"][0].decode(data, {})["a"]) == [None, 1.5]


@pytest.mark.parametrize(
    "cell",
    [
        ods_cell(2.5).replace("<text:p>", "<office:annotation><text:p>#N/A</text:p>"
                              "</office:annotation><text:p>"),
        '<table:table-cell office:value-type="float" office:value="2.5"/>',
    ],
)  # fmt: skip
def test_ods_comments_and_neighbours_are_not_errors(cell: str) -> None:
    data = repacked(
        ods([["a", "b"], [2.5, Error("#N/A")]]),
        "content.xml",
        lambda content: content.replace(ods_cell(2.5).encode(), cell.encode()),
    )
    assert [cells(column) for _, column in FORMATS["ods"][0].decode(data, {}).items()] == [
        [2.5],
        [None],
    ]


def test_ods_values_that_resemble_errors_are_kept() -> None:
    def change(content: bytes) -> bytes:
        content = content.replace(b"<text:p>2.5", b"<text:p>#2.5")
        return content.replace(
            b"<table:table-cell/>",
            b'<table:table-cell office:value-type="float" office:value="5"/>',
        )

    rows = [["a", "b", "c"], [2.5, "#N/A", "#DIV/0!"], [1.5, None, Error("#N/A")]]
    table = FORMATS["ods"][0].decode(repacked(ods(rows), "content.xml", change), {})
    assert [cells(series) for _, series in table.items()] == [
        [2.5, 1.5], ["#N/A", 5], ["#DIV/0!", None],
    ]  # fmt: skip


# Names


@pytest.mark.parametrize("form", ALL)
def test_header_cells_are_formatted_as_shown(form: str) -> None:
    header = [2020.0, 1.5, True, date(2026, 1, 31), MOMENT, time(12, 30), "x", None, "7"]
    table = read(form, header, [1.5] * len(header))
    assert table.columns.tolist() == [
        *("2020", "1.5", "TRUE", "2026-01-31", "2026-01-31 12:30:15", "12:30:00", "x"),
        *("Unnamed: 7", "7"),
    ]
    assert read_as(form, {"2020": float}, header, [1.5] * len(header))["2020"].tolist() == [1.5]


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("types", [{"a": float}, {"c": float}, None])
@pytest.mark.parametrize("params", [{}, {"nrows": 1}, {"header": 0, "usecols": [0, 1, 2]}])
def test_rejects_duplicate_columns(
    form: str, types: dict[str, Any] | None, params: dict[str, Any]
) -> None:
    codec, write = FORMATS[form]
    descriptor = mmf.DataFrame(schema=types, pandas_params=params)
    table = codec.decode(write([["a", "c", "a"], [1.5, 2.5, 3.5]]), descriptor.options)
    with pytest.raises(InvalidValue, match=r"^duplicate columns: a$") as caught:
        descriptor.validate(table)
    assert caught.value.errors == (ErrorDetail("duplicate column", column="a"),)


@pytest.mark.parametrize("form", ALL)
def test_number_and_its_text_are_duplicate_names(form: str) -> None:
    table = read(form, ["2020", 2020.0], [1.5, 2.5])
    with pytest.raises(InvalidValue, match="duplicate columns: 2020"):
        mmf.DataFrame().validate(table)


# Declared types


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("others", [[], [1.5], ["x"], [None], [True], [MOMENT]])
@pytest.mark.parametrize(
    ("value", "text"),
    [
        (7.0, "7"),
        (-7.0, "-7"),
        (1.5, "1.5"),
        (1234.5678, "1234.5678"),
        (2.0**53 - 1, "9007199254740991"),
        (True, "TRUE"),
        ("007", "007"),
        ("9007199254740993", "9007199254740993"),
        (MOMENT, "2026-01-31 12:30:15"),
        (date(2026, 1, 31), "2026-01-31"),
        (time(12, 30), "12:30:00"),
    ],
)
def test_text_column_has_the_formatted_values(
    form: str, value: Any, text: str, others: list[Any]
) -> None:
    """One rule, whatever other cells there are."""
    for table in (
        read_as(form, {"a": str | None}, ["a"], [value], *([other] for other in others)),
        read_as(form, {"a": str | None}, ["a", "b"], [value, 1.5], *([o, o] for o in others)),
        read_as(form, {"a": str | None}, ["b", "a"], [1.0, value]),
    ):
        assert table["a"].dtype == "str"
        assert table["a"].iloc[0] == text


@pytest.mark.parametrize("form", EXCEL)
def test_duration_as_text_is_in_hours(form: str) -> None:
    spans = [timedelta(hours=30), -timedelta(minutes=5), timedelta(seconds=1, milliseconds=500)]
    column = read_as(form, {"a": str}, ["a"], *([span] for span in spans))["a"]
    assert column.tolist() == ["30:00:00", "-00:05:00", "00:00:01.500000"]


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize("number", [2.0**53, 1e300, -(2.0**60)])
@pytest.mark.parametrize("type_", [str, int])
def test_rejects_inexact_number_as_integer(form: str, number: float, type_: type) -> None:
    with pytest.raises(InvalidValue) as caught:
        read_as(form, {"a": type_}, ["a"], [7.0], [number])
    assert [(error.row, error.column) for error in caught.value.errors] == [(1, "a")]
    assert read_as(form, {"a": float}, ["a"], [7.0], [number])["a"].tolist() == [7.0, number]


@pytest.mark.parametrize("form", ALL)
def test_long_integers_as_text_are_exact(form: str) -> None:
    column = read_as(form, {"a": int | None}, ["a"], ["9007199254740993"], [None], [7.0])["a"]
    assert column.dtype == "Int64"
    assert cells(column) == [9007199254740993, None, 7]


@pytest.mark.parametrize("form", ["xlsx", "ods"])  # xlwt has no -0.0
def test_negative_zero_keeps_its_sign(form: str) -> None:
    for beside in (1.0, 1.5, "2"):
        table = read_as(form, {"a": float, "z": str}, ["a", "z"], [-0.0, "z"], [beside, "z"])
        assert np.signbit(table["a"].iloc[0])
    assert np.signbit(column_of(form, -0.0, 1.0)[0])


_NUMBERS = st.floats(-1e17, 1e17) | st.integers(-(2**54), 2**54).map(float)
_CELLS = (
    st.none()
    | st.booleans()
    | _NUMBERS
    | st.sampled_from(["007", "1.5", "1e3", "NA", "x", "9007199254740993", "true", "2026-01-31"])
    | st.sampled_from([MOMENT, date(2026, 1, 31), time(12, 30)])
)
_TYPES = st.sampled_from([str, int, float, bool, datetime])


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=5),
    types=st.tuples(_TYPES, _TYPES),
)
@pytest.mark.parametrize("form", ALL)
def test_cell_is_independent_of_other_cells(
    form: str, rows: list[Any], types: tuple[Any, Any]
) -> None:
    """Every cell is the same value, or error, as alone in a sheet."""
    schema = dict(zip("ab", (type_ | None for type_ in types), strict=True))
    together = _values_and_errors(form, schema, ["a", "b"], *rows)
    for row, row_cells in enumerate(rows):
        for name, cell in zip("ab", row_cells, strict=True):
            alone = _values_and_errors(form, {name: schema[name]}, [name, "z"], [cell, "z"])
            assert alone[0, name] == together.get((row, name), alone[0, name])
            assert (alone[0, name] == "error") <= ("error" in together.values())


def _values_and_errors(form: str, schema: dict[str, Any], *rows: Any) -> dict[Any, Any]:
    try:
        table = read_as(form, schema, *rows)
    except InvalidValue as error:
        return {(detail.row, detail.column): "error" for detail in error.errors}
    return {
        (row, name): repr((table[name].dtype, cell))
        for name in schema
        for row, cell in enumerate(cells(table[name]))
    }


# Options of an author


@pytest.mark.parametrize("form", ALL)
@pytest.mark.parametrize(
    "params",
    [
        {"skiprows": 1},
        {"header": 1},
        {"skiprows": [0]},
        {"skiprows": 1, "usecols": "A:D"},
        {"skiprows": 1, "usecols": ["t", "n", "2020", "l"]},
        {"skiprows": 1, "nrows": 2},
        {"skiprows": 1, "na_values": ["-"]},
        {"skiprows": 1, "dtype": {"n": float}},
    ],
)
def test_reader_options_select_cells(form: str, params: dict[str, Any]) -> None:
    rows = [["Report", None, None, None], ["t", "n", 2020.0, "l"],
            ["007", 1.0, True, 2.0**53], ["1.5", 2.0, None, 1.0]]  # fmt: skip
    types = {"t": str, "n": float, "2020": bool | None, "l": float}
    descriptor = mmf.DataFrame(schema=types, pandas_params=params)
    codec, write = FORMATS[form]
    table = codec.decode(write(rows), descriptor.options)
    assert table.columns.tolist()[:2] == ["t", "n"]
    assert [cells(series) for _, series in table.items()][:2] == [["007", "1.5"], [1, 2]]
    assert table["l"].dtype == "float64"
    if params != {"skiprows": [0]}:
        assert cells(descriptor.validate(table)["2020"]) == [True, None]


@pytest.mark.parametrize("form", ALL)
def test_declared_signs_apply_to_numbers_in_texts(form: str) -> None:
    params = {"decimal": ",", "thousands": "."}
    codec, write = FORMATS[form]
    for beside in ("2,5", 2.5):
        descriptor = mmf.DataFrame(schema={"a": float}, pandas_params=params)
        table = codec.decode(write([["a"], ["1.234,5"], [beside]]), descriptor.options)
        assert descriptor.validate(table)["a"].tolist() == [1234.5, 2.5]


# Sheets


@pytest.mark.parametrize("form", ALL)
def test_hidden_sheet_is_read_only_on_request(form: str) -> None:
    codec, write = FORMATS[form]
    data = write([["a"], [1.5]], hidden=True)
    assert codec.decode(data, {}).columns.tolist() == ["a"]
    for choice in ({"sheet": "Hidden"}, {"sheet": "0"}, {"sheet_name": 0}):
        assert codec.decode(data, choice).columns.tolist() == ["hidden"]


def test_chart_sheets_are_skipped() -> None:
    codec = FORMATS["xlsx"][0]
    assert codec.decode(xlsx([["a"], [1.5]], chart=True), {}).columns.tolist() == ["a"]
    data = xlsx([["a"], [1.5]], chart=True, hidden=True)
    assert codec.decode(data, {}).columns.tolist() == ["a"]
    assert codec.decode(data, {"sheet": "Chart"}).empty
