"""Numeric sheets, mostly read without calamine, give the same tables as with it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sheets import DATE, FORMATS, Shown
from test_workbooks import repacked, xlsx

import mmf_core as mmf
from mmf_core.codecs import uniform_rows, workbooks, zipped
from mmf_core.codecs.table_ods import TableODS
from mmf_core.codecs.table_xlsx import TableXLSX
from mmf_core.errors import RequestError

XLSX, ODS = TableXLSX(), TableODS()
SHEET = "xl/worksheets/sheet1.xml"
TABLE = pd.DataFrame({"a": [1.5, -2.0, 1e-7, 0.1], "b": [1, 2, 3, 400], "c": [0.0, -1e30, 7, 3]})
Result = pd.DataFrame | type[Exception]


@pytest.fixture(autouse=True)
def tiny_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(zipped, "_LONG", 0)
    monkeypatch.setattr(uniform_rows, "_PIECE_SIZE", 100)


@pytest.fixture
def fast(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """Record for each sheet whether the fast reader was used."""
    used: list[bool] = []
    own = workbooks._table_of_numbers

    def noted(*arguments: Any) -> pd.DataFrame | None:
        table = own(*arguments)
        used.append(table is not None)
        return table

    monkeypatch.setattr(workbooks, "_table_of_numbers", noted)
    return used


def read(codec: Any, data: bytes, options: Any = None) -> Result:
    try:
        table: pd.DataFrame = codec.decode(data, options or {})
    except RequestError as error:
        return type(error)
    return table


def read_exactly(codec: Any, data: bytes, options: Any = None) -> Result:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workbooks, "may_be_numbers", lambda _: False)
        return read(codec, data, options)


def check_same(codec: Any, data: bytes, options: Any = None) -> None:
    result, expected = read(codec, data, options), read_exactly(codec, data, options)
    if isinstance(expected, type):
        assert result is expected
    else:
        assert isinstance(result, pd.DataFrame)
        assert_frame_equal(result, expected)
        pd.testing.assert_index_equal(result.columns, expected.columns)
        signs = [np.signbit(table.to_numpy(float)).tolist() for table in (result, expected)
                 if all(dtype.kind in "if" for dtype in table.dtypes)]  # fmt: skip
        assert signs[:1] == signs[1:]


def by_openpyxl(table: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    table.to_excel(buffer, index=False, engine="openpyxl")
    return buffer.getvalue()


def as_excel(data: bytes) -> bytes:
    """Return a sheet with the attributes that Excel writes."""
    return repacked(
        data,
        SHEET,
        lambda sheet: re.sub(
            rb'<row r="(\d+)">',
            rb'<row r="\1" spans="1:3" ht="15.75" x14ac:dyDescent="0.25">',
            sheet,
        ),
    )


WRITERS: dict[str, tuple[Any, Callable[[pd.DataFrame], bytes]]] = {
    "ours": (XLSX, lambda table: XLSX.encode(table, {})),
    "openpyxl": (XLSX, by_openpyxl),
    "ODS": (ODS, lambda table: FORMATS["ods"][1]([[*table.columns], *table.to_numpy().tolist()])),
    "Excel": (XLSX, lambda table: as_excel(XLSX.encode(table, {}))),
}
NUMBERS = (
    st.integers(-9, 9)
    | st.integers(-(2**66), 2**66)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(-1000, 1000, places=2).map(float)
)


@pytest.mark.parametrize("writer", WRITERS)
def test_plain_sheets_use_the_fast_reader(writer: str, fast: list[bool]) -> None:
    codec, write = WRITERS[writer]
    table = TABLE if writer != "Excel" else TABLE.abs()
    check_same(codec, write(table))
    check_same(codec, write(table), mmf.DataFrame(schema=dict.fromkeys("abc", float)).options)
    assert fast == [True, True]


@pytest.mark.parametrize("writer", WRITERS)
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(
    rows=st.lists(st.lists(NUMBERS, min_size=2, max_size=2), min_size=1, max_size=12),
    names=st.lists(st.sampled_from(["a", "b", "", "1", "é&<"]), min_size=2, max_size=2),
    floats=st.booleans(),
)
def test_fast_reader_equals_exact_reader(
    writer: str, rows: list[Any], names: list[str], floats: bool
) -> None:
    codec, write = WRITERS[writer]
    table = pd.DataFrame(rows, columns=names).astype(float)
    check_same(codec, write(table), {"floats": floats})


SIGNS = b"0123456789.+-eE<>/\"'= \nvcrABsx&"


@pytest.mark.parametrize("writer", WRITERS)
@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_modified_sheet_is_never_misread(writer: str, data: st.DataObject) -> None:
    """Whatever a sheet contains: the fast reader leaves anything unknown to the exact one."""
    codec, write = WRITERS[writer]
    part = SHEET if codec is XLSX else "content.xml"

    def change(sheet: bytes) -> bytes:
        for _ in range(data.draw(st.integers(1, 2))):
            first = sheet.find(b"</row>" if codec is XLSX else b"</table:table-row>")
            start = data.draw(st.integers(first, len(sheet)))
            end = start + data.draw(st.sampled_from([0, 0, 1, 1, 2, 8]))
            new = bytes(data.draw(st.lists(st.sampled_from(SIGNS), max_size=3)))
            sheet = sheet[:start] + new + sheet[end:]
        return sheet

    check_same(codec, repacked(write(TABLE.abs()), part, change))


def changed(old: bytes, new: bytes, count: int = -1) -> bytes:
    def change(sheet: bytes) -> bytes:
        assert old in sheet
        return sheet.replace(old, new, count)

    return repacked(XLSX.encode(TABLE, {}), SHEET, change)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"<v>-2.0</v>", b"<v>#</v>"),
        (b"<v>-2.0</v>", b"<v>007</v>"),
        (b"<v>-2.0</v>", b"<v>-0</v>"),
        (b"<v>-2.0</v>", b"<v>1e400</v>"),
        (b"<v>-2.0</v>", b"<v></v>5"),
        (b"<v>-2.0</v>", b"<v5></v>"),
        (b"<v>-2.0</v>", b"<v>2</v><!---->"),
        (b"<v>-2.0</v></c>", b"<v></v></c>5"),
        (b"<v>-2.0</v>", b"<v/>"),
        (b"<v>-2.0</v>", b"<f>1</f><v>-2.0</v>"),
        (b'"A3">', b'"A4">'),
        (b'"A3">', b'"A3.0">'),
        (b'"A3">', b'"D3">'),
        (b'"A3">', b'"A3" t="b">'),
        (b'"A3">', b'"A3" s="2">'),
        (b'<row r="3">', b'<row r="4">'),
        (b"</sheetData>", b"<row/></sheetData>"),
        (b"</sheetData>", b"</sheetData><sheetData/>"),
        (b"<sheetData>", b"<!--<sheetData>"),
        (b"</row>", b"<!--</row>"),
    ],
)
def test_other_sheets_use_the_exact_reader(old: bytes, new: bytes, fast: list[bool]) -> None:
    check_same(XLSX, changed(old, new, 1))
    assert True not in fast


def test_styles_decide_dates(fast: list[bool]) -> None:
    """Each cell of a column has the same style; a number may have a date style by mistake."""
    for style, is_plain in ((b"0", True), (b"2", False), (b"4", False)):
        data = repacked(
            XLSX.encode(TABLE.abs(), {}),
            SHEET,
            lambda sheet, style=style: re.sub(rb'"(B[2-9])"', rb'"\1" s="%b"' % style, sheet),
        )
        check_same(XLSX, data)
        assert fast.pop() is is_plain


def test_changing_styles_use_the_exact_reader(fast: list[bool]) -> None:
    rows = [["a"], *([Shown(number, "0.00")] for number in range(1, 99)), [Shown(99.5, DATE)]]
    check_same(XLSX, FORMATS["xlsx"][1](rows[:-1]))
    assert fast == [True]
    check_same(XLSX, FORMATS["xlsx"][1](rows))
    assert fast == [True]


def test_out_of_range_number_does_not_hide_a_date(fast: list[bool]) -> None:
    rows = [["a"], [Shown(1e9, DATE)], [Shown(45_000, DATE)]]
    check_same(XLSX, FORMATS["xlsx"][1](rows))
    assert True not in fast


@pytest.mark.parametrize(
    "options", [{"sheet": "Sheet1"}, {"sheet": "1"}, {"sheet": 0}, {"sheet_name": "Sheet1"}]
)
def test_other_sheet_can_be_selected(options: dict[str, Any], fast: list[bool]) -> None:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as writer:
        TABLE.to_excel(writer, sheet_name="x", index=False)
        TABLE.abs().to_excel(writer, sheet_name="Sheet1", index=False)
    check_same(XLSX, buffer.getvalue(), options)
    assert True not in fast


def test_empty_sheets_are_ignored(fast: list[bool]) -> None:
    book = openpyxl.load_workbook(io.BytesIO(XLSX.encode(TABLE, {})))
    book.create_sheet("empty")
    buffer = io.BytesIO()
    book.save(buffer)
    check_same(XLSX, buffer.getvalue())
    assert fast == [True]
    check_same(XLSX, buffer.getvalue(), {"sheet": "empty"})
    assert fast == [True, False]


@pytest.mark.parametrize(
    "options",
    [
        mmf.DataFrame(schema={"a": str}).options,
        mmf.DataFrame(schema={"a": float}, extra="keep").options,
        {"dtype": {"a": "float32"}},
        {"header_row": 2},
        {"usecols": ["a"]},
    ],
)
def test_cell_options_use_the_exact_reader(options: Any, fast: list[bool]) -> None:
    check_same(XLSX, XLSX.encode(TABLE, {}), options)
    assert not fast


def test_headers_are_read_by_calamine(fast: list[bool]) -> None:
    for header in (b"<is><t>a</t></is>", b'<is><t xml:space="preserve"> a </t></is>'):
        data = changed(b'<is><t xml:space="preserve">a</t></is>', header)
        check_same(XLSX, data)
    formula = changed(b't="inlineStr"><is><t xml:space="preserve">a</t></is>', b"><f>1+1</f>")
    check_same(XLSX, formula)
    error = changed(
        b't="inlineStr"><is><t xml:space="preserve">a</t></is>', b't="e"><v>#SPILL!</v>'
    )
    check_same(XLSX, error)
    check_same(XLSX, xlsx(B1="b", A2=1.5, B2=2.5))
    check_same(XLSX, xlsx(A1="b", A2=1.5, B2=2.5))
    assert fast[:2] == [True, True]
    assert fast[4:] == [True, True]
