"""Tables as Excel workbooks (Office Open XML): read by pandas, written by openpyxl row by row."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date, time, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..errors import RequestError
from .base import Codec, Kind, Options
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 1_048_575  # of an Excel sheet, less the header


class TableXLSX(Codec["pd.DataFrame"]):
    """The first sheet, its first row the header. Options go to `pandas.read_excel`."""

    kind = Kind.TABLE
    format = Format.XLSX
    requires: ClassVar = {"pandas": "pandas", "openpyxl": "openpyxl"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        import pandas as pd

        try:
            table = pd.read_excel(io.BytesIO(data), engine="openpyxl", **options)
        except MemoryError:
            raise
        except Exception:  # noqa: BLE001 - damaged workbooks make readers raise nearly anything
            raise RequestError("this is not an .xlsx workbook that can be read") from None
        return cast("pd.DataFrame", table)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        from openpyxl import Workbook

        if len(value) > MAX_ROWS:
            raise ValueError(f"a sheet holds {MAX_ROWS:,} rows, this table has {len(value):,}")
        book = Workbook(write_only=True)
        sheet = book.create_sheet("Sheet1")
        write = _cells(sheet)
        sheet.append([write(name) for name in value.columns])
        columns = [_plain(value.iloc[:, place]) for place in range(value.shape[1])]
        for row in zip(*columns, strict=True):
            sheet.append([write(cell) for cell in row])
        buffer = io.BytesIO()
        book.save(buffer)
        return buffer.getvalue()


def _plain(column: pd.Series) -> list[Any]:
    """Return Python values, with None for everything that Excel has no number for."""
    known = column.notna() & ~column.isin([float("inf"), float("-inf")])
    values: list[Any] = column.astype(object).where(known, None).tolist()
    return values


def _cells(sheet: Any) -> Callable[[Any], Any]:
    """Return a function that makes a Python value a cell that shows exactly that value."""
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    def write(value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, date | time | timedelta) and not getattr(value, "tzinfo", None):
            return value
        text = value.isoformat() if hasattr(value, "isoformat") else str(value)
        cell = WriteOnlyCell(sheet, ILLEGAL_CHARACTERS_RE.sub("\N{REPLACEMENT CHARACTER}", text))
        cell.data_type = "s"  # a text that begins with = stays text
        return cell

    return write
