"""The same rows of cells in a workbook of each format, as Excel and LibreOffice write them."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from xml.sax.saxutils import quoteattr

import openpyxl
import xlwt
from openpyxl.chart import BarChart, Reference
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from mmf_core.codecs import Codec
from mmf_core.codecs.table_ods import TableODS
from mmf_core.codecs.table_xls import TableXLS
from mmf_core.codecs.table_xlsx import TableXLSX

DATE, DATETIME, TIME, DURATION = "yyyy-mm-dd", "yyyy-mm-dd hh:mm:ss", "hh:mm:ss", "[hh]:mm:ss"
Rows = Sequence[Sequence[Any]]


@dataclass(frozen=True)
class Shown:
    """A number under a number format."""

    number: float
    format: str


@dataclass(frozen=True)
class Error:
    """A formula's error, which Excel keeps beside the formula."""

    text: str


ERROR_CODES = {"#NULL!": 0, "#DIV/0!": 7, "#VALUE!": 15, "#REF!": 23, "#NAME?": 29, "#NUM!": 36}
ERROR_CODES["#N/A"] = 42
_FORMATS = {date: DATE, datetime: DATETIME, time: TIME, timedelta: DURATION}


def xlsx(rows: Rows, *, hidden: bool = False, chart: bool = False, mac: bool = False) -> bytes:
    """Return the rows in a sheet, optionally after a hidden sheet and a chart."""
    book = openpyxl.Workbook()
    if mac:
        book.epoch = CALENDAR_MAC_1904
    sheet = book.active
    assert sheet is not None
    if hidden:
        sheet.title, sheet.sheet_state = "Hidden", "hidden"
        sheet["A1"] = "hidden"
        sheet = book.create_sheet("Shown")
    for row, cells in enumerate(rows, start=1):
        for column, cell in enumerate(cells, start=1):
            place = sheet.cell(row, column)
            match cell:
                case Shown():
                    place.value, place.number_format = cell.number, cell.format
                case Error():
                    place.value, place.data_type = cell.text, "e"
                case str():
                    place.value, place.data_type = cell, "s"
                case _:
                    place.value = cell
                    if type(cell) in _FORMATS:
                        place.number_format = _FORMATS[type(cell)]
    if chart:
        bars = BarChart()
        bars.add_data(Reference(sheet, min_col=1, min_row=1, max_row=2))
        book.create_chartsheet("Chart", 0).add_chart(bars)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def xls(rows: Rows, *, hidden: bool = False, mac: bool = False) -> bytes:
    """Return the rows in a sheet, optionally after a hidden sheet."""
    book = xlwt.Workbook()
    book.dates_1904 = mac
    if hidden:
        book.add_sheet("Hidden").write(0, 0, "hidden")
        book.get_sheet(0).visibility = 1
        book.set_active_sheet(1)
    sheet = book.add_sheet("Shown")
    styles: dict[str, Any] = {}
    for row, cells in enumerate(rows):
        for column, cell in enumerate(cells):
            match cell:
                case None:
                    continue
                case Error():
                    sheet.row(row).set_cell_error(column, ERROR_CODES[cell.text])
                    continue
                case Shown():
                    value, format_ = cell.number, cell.format
                case timedelta():
                    value, format_ = cell / timedelta(1), DURATION
                case time():  # xlwt would add a day
                    value, format_ = _seconds(cell) / 86_400, TIME
                case _:
                    value, format_ = cell, _FORMATS.get(type(cell), "General")
            style = styles.setdefault(format_, xlwt.easyxf(num_format_str=format_))
            sheet.write(row, column, value, style)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def ods(rows: Rows, *, hidden: bool = False) -> bytes:
    """Return the rows in a sheet, optionally after a hidden sheet."""
    cells = [f"<table:table-row>{''.join(map(ods_cell, row))}</table:table-row>" for row in rows]
    first = '<table:table table:name="Hidden" table:style-name="none"><table:table-row>'
    first += ods_cell("hidden") + "</table:table-row></table:table>"
    names = ["office:1.0", "table:1.0", "text:1.0", "style:1.0"]
    spaces = "".join(
        f' xmlns:{name[:-4]}="urn:oasis:names:tc:opendocument:xmlns:{name}"' for name in names
    )
    spaces += ' xmlns:dc="http://purl.org/dc/elements/1.1/"'
    spaces += (
        ' xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0"'
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content{spaces}>'
        '<office:automatic-styles><style:style style:name="none" style:family="table">'
        '<style:table-properties table:display="false"/></style:style></office:automatic-styles>'
        f"<office:body><office:spreadsheet>{first * hidden}"
        f'<table:table table:name="Shown">{"".join(cells)}</table:table>'
        "</office:spreadsheet></office:body></office:document-content>"
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        media_type = "application/vnd.oasis.opendocument.spreadsheet"
        archive.writestr("mimetype", media_type)
        archive.writestr("content.xml", content)
        manifest = "urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"
        archive.writestr(
            "META-INF/manifest.xml",
            f'<m:manifest xmlns:m="{manifest}"><m:file-entry m:full-path="/" '
            f'm:media-type="{media_type}"/></m:manifest>',
        )
    return buffer.getvalue()


def ods_cell(cell: Any) -> str:
    """Return a cell of an OpenDocument sheet; an `Error` keeps 0 as its value."""
    match cell:
        case None:
            return "<table:table-cell/>"
        case Error():
            parts = "float", "value", "0", cell.text
        case bool():
            parts = "boolean", "boolean-value", str(cell).lower(), str(cell).upper()
        case int() | float():
            parts = "float", "value", repr(cell), f"{cell:g}"
        case date():
            parts = "date", "date-value", cell.isoformat(), "a date"
        case time():
            value = f"PT{cell.hour:02}H{cell.minute:02}M{cell.second:02}S"
            parts = "time", "time-value", value, "a time"
        case _:
            parts = "string", "string-value", cell, cell
    return _ods_cell(*parts)


def _ods_cell(type_: str, attribute: str, value: str, text: str) -> str:
    attributes = f'office:value-type="{type_}" office:{attribute}={quoteattr(value)}'
    escaped = quoteattr(text)[1:-1]
    return f"<table:table-cell {attributes}><text:p>{escaped}</text:p></table:table-cell>"


def _seconds(moment: time) -> float:
    return (moment.hour * 60 + moment.minute) * 60 + moment.second + moment.microsecond / 1e6


FORMATS: dict[str, tuple[Codec[Any], Callable[..., bytes]]] = {
    "xlsx": (TableXLSX(), xlsx),
    "xls": (TableXLS(), xls),
    "ods": (TableODS(), ods),
}
