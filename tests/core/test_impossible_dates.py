"""Nonexistent Excel dates and durations, in every notation."""

import io
import re
import zipfile
from datetime import datetime, time, timedelta
from typing import Any

import pytest

from cpu_time import at_most
from mmf_core.codecs import impossible_dates, xlsx_file
from mmf_core.codecs.impossible_dates import without_impossible
from mmf_core.codecs.table_xlsx import TableXLSX

GENERAL, DATE, DURATION, COLOURED, LONGER, LAST = 0, 1, 2, 3, 12, 13
FORMATS = {DATE: 14, DURATION: 46, COLOURED: 170, LONGER: 171, LAST: 172}
STYLES = (
    '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><numFmts>'
    '<numFmt numFmtId="170" formatCode="0;[Red]-0&quot;d&quot;"/>'
    '<numFmt numFmtId="171" formatCode="[hh]:mm"/><numFmt numFmtId="172" formatCode="d.m.yy"/>'
    '</numFmts><cellXfs count="14">'
    + "".join(f'<xf numFmtId="{FORMATS.get(index, 0)}"/>' for index in range(LAST + 1))
    + "</cellXfs></styleSheet>"
)
HEADER = '<row r="1"><c r="A1" t="inlineStr"><is><t>a</t></is></c></row>'


def parts(rows: str, *, mac: bool = False) -> dict[str, bytes]:
    sheet = f"{xlsx_file.SHEET_START}{rows}{xlsx_file.SHEET_END}</worksheet>"
    texts = xlsx_file.PARTS | {xlsx_file.STYLES: STYLES, xlsx_file.SHEET: sheet}
    if mac:
        name = "xl/workbook.xml"
        texts |= {name: texts[name].replace("<sheets>", '<workbookPr date1904="1"/><sheets>')}
    return {name: text.encode() for name, text in texts.items()}


def read(rows: str, *, mac: bool = False) -> list[Any]:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts(rows, mac=mac).items():
            archive.writestr(name, part)
    column: list[Any] = TableXLSX().decode(buffer.getvalue(), {})["a"].tolist()
    return column


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ('<c s="1"><v>-1</v></c>', -1),
        ('<c r="A2" s="1"><v>-0.25</v></c>', -0.25),
        ("<c r='A2' s='1' t='n'><v>60</v></c>", 60),
        ('<c\n s="1"\t><v>60.5</v></c>', 60.5),
        ('<c s="13" r="A2"><v>-1e3</v></c>', -1000),
        ('<c s="1"><f>IF(A1="c ", B1, 2)</f><v>-1</v></c>', -1),
        ('<c s="1"><v>59</v></c>', datetime(1900, 2, 28)),
        ('<c s="1"><v>61</v></c>', datetime(1900, 3, 1)),
        ('<c s="1"><v>600</v></c>', datetime(1901, 8, 22)),
        ('<c s="1"><v>0</v></c>', time(0)),
        ('<c s="1" t="str"><v>-1</v></c>', "-1"),
        ('<c s="2"><v>-1</v></c>', -timedelta(1)),
        ('<c s="2"><v>60</v></c>', timedelta(60)),
        ('<c s="2"><v>0.5E-1</v></c>', timedelta(hours=1, minutes=12)),
        ('<c s="12"><v>1E2</v></c>', timedelta(100)),
        ('<c s="2"><v>0.9E9</v></c>', timedelta(900_000_000)),
        ('<c s="2"><v>0.9E10</v></c>', 9_000_000_000),
        ('<c s="2"><v>1.5E-7</v></c>', timedelta(microseconds=13_000)),
        ('<c s="2"><v>1250000000E-9</v></c>', timedelta(1.25)),
        ('<c s="2"><v>-9.99999999E+8</v></c>', -999_999_999),
        ('<c s="2"><v>1E+10</v></c>', 10_000_000_000),
        ('<c s="2"><v>9e99</v></c>', 9e99),
        ('<c s="12"><v>-1000000000</v></c>', -1_000_000_000),
        ('<c s="2"><v>999999998</v></c>', timedelta(999_999_998)),
        ('<c s="2"><v>999999999.5</v></c>', 999_999_999.5),
        ('<c s="0"><v>-60</v></c>', -60),
        ('<c s="3"><v>-60</v></c>', -60),
        ('<c s="99999"><v>-60</v></c>', -60),
        ("<c><v>-60</v></c>", -60),
    ],
)
def test_date_style_out_of_range_reads_as_number(cell: str, expected: Any) -> None:
    moment = datetime(2023, 3, 15)
    others = '<c s="1"><v>45000</v></c>'
    rows = f"{HEADER}<row>{cell}</row><row>{others}</row>"
    assert read(rows) == [expected, moment]
    prefixed = re.sub(r"<(/?)(?=(?:row|c|v|f|is|t)\b)", r"<\1x:", rows)
    main = 'xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    assert read(prefixed.replace("<x:row", f"<x:row {main}")) == [expected, moment]


def test_date_system_1904() -> None:
    rows = f'{HEADER}<row><c s="1"><v>60</v></c></row><row><c s="1"><v>-1</v></c></row>'
    assert read(rows) == [60, -1]
    assert read(rows, mac=True) == [datetime(1904, 3, 1), -1]


def test_only_styles_of_impossible_dates_are_changed() -> None:
    cells = '<c r="A2" s="1"><v>-1</v></c><c r="B2" s="13"><v>60</v></c><c s="1"><v>7</v></c>'
    before = parts(f"{HEADER}<row>{cells}</row>")
    after = without_impossible(before)
    changed = before[xlsx_file.SHEET].replace(b's="1"><v>-', b"     ><v>-")
    assert after == before | {xlsx_file.SHEET: changed.replace(b's="13"', b"      ")}
    assert without_impossible({xlsx_file.SHEET: before[xlsx_file.SHEET]}).keys() == {
        xlsx_file.SHEET
    }


@pytest.mark.parametrize(
    "cell",
    ['<c s="1"><v>-1</v></c>', '<c s="1"><v>60</v></c>', '<c s="2"><v>9e99</v></c>'],
    ids=["before the first", "29 February 1900", "endless durations"],
)
def test_many_impossible_dates_are_fast(cell: str) -> None:
    rows = f"<row>{cell * 1_000}</row>" * 300
    number = float(cell.partition("<v>")[2].removesuffix("</v></c>"))
    with at_most(seconds=0.5):
        assert read(HEADER + rows) == [number] * 300


def test_small_sheet_without_impossible_dates_skips_styles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cells = '<c><v>-1</v></c><c s="1"><v>45000</v></c>'
    before = parts(f"{HEADER}<row>{cells}</row>")
    monkeypatch.setattr(impossible_dates, "_styles_of", None)
    assert without_impossible(before) is before
