"""Tables as Excel 97-2003 workbooks: read by xlrd, never written.

calamine, which reads the other workbooks, aborts the process if an old one declares a false size.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from .base import Codec, Kind, Options, refuse_sparse, with_dtype
from .formats import Format
from .sheet_rows import AS_WRITTEN, SUPPORTED, supports, table_of
from .workbooks import select_sheet, translate_errors, unreadable

if TYPE_CHECKING:
    import pandas as pd

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of OLE 2, the container of the workbook
_OPTIONS = (
    *("dtype", "header", "names", "usecols", "skiprows", "nrows", "na_values", "converters"),
    *("keep_default_na", "na_filter", "index_col", "true_values", "false_values"),
)


class TableXLS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; `workbooks.select_sheet` says which.

    Of the options of `pandas.read_excel` those on names, types, rows and nulls have an effect.
    """

    kind = Kind.TABLE
    format = Format.XLS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "xlrd": "xlrd"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if not data.startswith(_SIGNATURE):  # xlrd would try an even older format
            raise unreadable(".xls")
        return cast("pd.DataFrame", translate_errors(lambda: _read(data, options), ".xls"))


CODECS = (TableXLS(),)


def _read(data: bytes, options: Options) -> pd.DataFrame:
    import pandas as pd
    import xlrd
    from pandas.io import parsers

    book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), ragged_rows=True)
    key = select_sheet(options, book.sheet_names())
    sheet = book.sheet_by_index(key) if isinstance(key, int) else book.sheet_by_name(key)
    refuse_sparse(sheet.nrows, sheet.ncols, len(data))
    rows = [[_value(cell, book.datemode) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    if not rows:
        return pd.DataFrame()
    width = max(map(len, rows))
    padded = [row + [""] * (width - len(row)) for row in rows]
    relevant = {name: options[name] for name in options if name in SUPPORTED or name in _OPTIONS}
    if supports(relevant):
        return table_of(padded, relevant)
    arguments = {name: each for name, each in with_dtype(relevant).items() if name in _OPTIONS}
    parser = parsers.TextParser(  # type: ignore[attr-defined] # pandas-stubs leave it out
        padded, **{"header": 0, **AS_WRITTEN, **arguments}
    )
    return cast("pd.DataFrame", parser.read())


def _value(cell: Any, datemode: Literal[0, 1]) -> Any:
    """Return the value that a cell shows: Excel stores whole numbers and dates as floats."""
    import xlrd

    match cell.ctype:
        case xlrd.XL_CELL_NUMBER:
            return int(cell.value) if cell.value.is_integer() else cell.value
        case xlrd.XL_CELL_DATE:
            return xlrd.xldate_as_datetime(cell.value, datemode)
        case xlrd.XL_CELL_BOOLEAN:
            return bool(cell.value)
        case xlrd.XL_CELL_ERROR:
            return ""
    return cell.value
