"""Tables as Excel workbooks (Office Open XML): read by pandas, written by openpyxl row by row."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..errors import RequestError
from .base import Codec, Kind, Options, known_to
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_048_575  # of an Excel sheet, less the header
MAX_COLUMNS = 16_384
MAX_TEXT = 32_767  # of a cell; openpyxl would cut a longer one in silence
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


class TableXLSX(Codec["pd.DataFrame"]):
    """The first sheet, its first row the header. Options go to `pandas.read_excel`."""

    kind = Kind.TABLE
    format = Format.XLSX
    requires: ClassVar = {"pandas": "pandas", "openpyxl": "openpyxl"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        import pandas as pd

        known = known_to(pd.read_excel, options)
        try:
            table = pd.read_excel(io.BytesIO(data), **{"engine": "openpyxl", **known})
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - damaged workbooks make readers raise nearly anything
            raise RequestError("this is not an .xlsx workbook that can be read") from None
        return cast("pd.DataFrame", table)

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
    return _NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)


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
