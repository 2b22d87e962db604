"""Tables as Excel workbooks (Office Open XML): read by calamine, written by openpyxl by rows."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar

from .base import Codec, Kind, Options
from .cell_text import NOT_XML
from .formats import Format
from .workbooks import read_zipped

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_048_575  # of an Excel sheet, less the header
MAX_COLUMNS = 16_384
_ESCAPE = re.compile("_(?=x[0-9A-Fa-f]{4}_)")  # begins a character's number: ECMA-376, 22.9.2.19
MAX_TEXT = 32_767  # of a cell; openpyxl would cut a longer one in silence


class TableXLSX(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; see `workbooks.sheet_of` for which."""

    kind = Kind.TABLE
    format = Format.XLSX
    requires: ClassVar = {
        "pandas": "pandas",
        "openpyxl": "openpyxl",
        "python_calamine": "python-calamine",
    }

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read_zipped(data, options, ".xlsx")

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        from openpyxl import Workbook

        if len(value) > MAX_ROWS:
            raise ValueError(f"a sheet holds {MAX_ROWS:,} rows, this table has {len(value):,}")
        if value.shape[1] > MAX_COLUMNS:
            raise ValueError(f"a sheet holds {MAX_COLUMNS:,} columns, not {value.shape[1]:,}")
        names = [_cell(name) for name in value.columns]
        columns = [_plain(value.iloc[:, place]) for place in range(value.shape[1])]
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Sheet1")
        write = _writer(sheet)
        sheet.append([write(name) for name in names])
        for row in zip(*columns, strict=True):
            sheet.append([write(cell) for cell in row])
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()


def _plain(column: pd.Series) -> list[Any]:
    """Return what cells hold, with None for everything that Excel has no number for."""
    known = column.notna() & ~column.isin([float("inf"), float("-inf")])
    return [_cell(value) for value in column.astype(object).where(known, None).tolist()]


def _cell(value: Any) -> Any:
    """Return a number, a date or a text that Excel shows as exactly that value."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, date | time | timedelta) and not getattr(value, "tzinfo", None):
        return value
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    if len(text) > MAX_TEXT:
        raise ValueError(f"a cell holds {MAX_TEXT:,} characters, this text has {len(text):,}")
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", _ESCAPE.sub("_x005F_", text))


def _writer(sheet: Any) -> Callable[[Any], Any]:
    """Return a function that keeps texts from being taken for formulas: = begins some."""
    from openpyxl.cell import WriteOnlyCell

    def write(value: Any) -> Any:
        if not isinstance(value, str):
            return value
        cell = WriteOnlyCell(sheet, value)
        cell.data_type = "s"
        return cell

    return write
