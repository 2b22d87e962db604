"""Tables as Excel 97-2003 workbooks: read by xlrd, never written.

calamine, which reads the other workbooks, aborts the process if an old one declares a false size.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from ..settings import Settings
from .base import Codec, Kind, Options
from .decoded_size import refuse_sparse, too_large
from .formats import Format
from .impossible_dates import LEAP_DAY
from .sheet_rows import table_of
from .workbooks import OLE2, select_sheet, translate_errors, unreadable
from .xls_book import open_book

if TYPE_CHECKING:
    import pandas as pd

_DURATION = 7  # a cell type of our own, beside those of xlrd; it must fit into a byte
_OF_DURATIONS = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
_LITERALS = re.compile(r'"[^"]*"|\\.')  # of a number format
_EPOCHS = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - Excel has no time zones
_DAY_MILLISECONDS = 86_400_000  # nobody enters smaller parts, and a float has no more digits


class TableXLS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; `workbooks.select_sheet` says which.

    Options are those of `pandas.read_excel`.
    """

    kind = Kind.TABLE
    format = Format.XLS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "xlrd": "xlrd"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if not data.startswith(OLE2):  # xlrd would try an even older format
            raise unreadable(".xls", data)
        return cast("pd.DataFrame", translate_errors(lambda: _read(data, options), ".xls", data))


CODECS = (TableXLS(),)


def _read(data: bytes, options: Options) -> pd.DataFrame:
    with open_book(data, options) as book:
        names = book.sheet_names()
        are_hidden = _private(book, "sheet_visibility")
        shown = [name for name, hidden in zip(names, are_hidden, strict=True) if not hidden]
        _mark_durations(book)
        key = select_sheet(options, names, shown)
        sheet = book.sheet_by_index(key) if isinstance(key, int) else book.sheet_by_name(key)
    refuse_sparse(sheet.nrows, sheet.ncols, len(data))
    rows = [[_value(cell, book.datemode) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    _check_text_size(rows, options.get("max_decompressed", Settings.max_decompressed))
    width = max(map(len, rows), default=0)
    return table_of([row + [""] * (width - len(row)) for row in rows], options)


def _check_text_size(rows: list[list[Any]], max_size: int) -> None:
    """Refuse a sheet in which too many cells share a long text."""
    texts = (cell for row in rows for cell in row if type(cell) is str)
    if sum(map(len, texts)) > max_size:
        raise too_large("workbook", max_size)


def _private(book: Any, name: str) -> Any:
    """Return what xlrd makes public, if at all, only with a sheet that it has read."""
    return getattr(book, f"_{name}")


def _mark_durations(book: Any) -> None:
    """Give cells with the format of a duration, such as [h]:mm, a type of their own.

    xlrd keeps the formats of cells only together with all else that the sheet looks like.
    """
    types = _private(book, "xf_index_to_xl_type_map")
    durations = {
        key
        for key, format_ in book.format_map.items()
        if _OF_DURATIONS.search(_LITERALS.sub("", format_.format_str or ""))
    }
    for style in book.xf_list:
        if style.format_key in durations:
            types[style.xf_index] = _DURATION


def _value(cell: Any, datemode: Literal[0, 1]) -> Any:
    """Return the value that a cell shows, the number itself if it is an impossible date."""
    import xlrd

    match cell.ctype:
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            return ""
        case xlrd.XL_CELL_DATE if datemode == 0 and LEAP_DAY <= cell.value < LEAP_DAY + 1:
            return cell.value
        case xlrd.XL_CELL_DATE if cell.value >= 0:
            with suppress(OverflowError):
                return _moment(cell.value, datemode)
        case _ if cell.ctype == _DURATION:
            with suppress(OverflowError, ValueError):
                return _span(cell.value)
    return cell.value


def _moment(days: float, datemode: Literal[0, 1]) -> datetime | time:
    """Return the date `days` after the first, or a time of day if it is less than one."""
    moment = _EPOCHS[datemode] + _span(days)
    if days < 1:
        return moment.time()
    return moment + timedelta(days=1) if datemode == 0 and days < LEAP_DAY else moment


def _span(days: float) -> timedelta:
    return timedelta(milliseconds=round(days * _DAY_MILLISECONDS))
