"""Tables as Excel 97-2003 workbooks: read by xlrd, never written.

calamine, which reads the other workbooks, ends the process where an old one lies of its size.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar, Literal, cast

from .base import Codec, Kind, Options, refuse_sparse
from .formats import Format
from .sheet_rows import AS_WRITTEN, KNOWN, knows, table_of
from .workbooks import guarded, sheet_of, unreadable

if TYPE_CHECKING:
    import pandas as pd

_SIGNATURE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of OLE 2, the file that the workbook is in
_OPTIONS = (
    *("dtype", "header", "names", "usecols", "skiprows", "nrows", "na_values", "converters"),
    *("keep_default_na", "na_filter", "index_col", "true_values", "false_values"),
)


class TableXLS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; see `workbooks.sheet_of` for which.

    Of the options of `pandas.read_excel` those on names, types, rows and nulls count.
    """

    kind = Kind.TABLE
    format = Format.XLS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "xlrd": "xlrd"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        if not data.startswith(_SIGNATURE):  # xlrd takes it for an older one still, and tries
            raise unreadable(".xls")
        return cast("pd.DataFrame", guarded(lambda: _read(data, options), ".xls"))


def _read(data: bytes, options: Options) -> pd.DataFrame:
    import pandas as pd
    import xlrd
    from pandas.io import parsers

    book = xlrd.open_workbook(file_contents=data, logfile=io.StringIO(), ragged_rows=True)
    asked = sheet_of(options, book.sheet_names())
    sheet = book.sheet_by_index(asked) if isinstance(asked, int) else book.sheet_by_name(asked)
    refuse_sparse(sheet.nrows, sheet.ncols, len(data))
    rows = [[_value(cell, book.datemode) for cell in sheet.row(row)] for row in range(sheet.nrows)]
    if not rows:
        return pd.DataFrame()
    width = max(map(len, rows))
    full = [row + [""] * (width - len(row)) for row in rows]
    wanted = {key: options[key] for key in options if key in KNOWN or key in _OPTIONS}
    if knows(wanted):
        return table_of(full, wanted)
    known = {key: wanted[key] for key in wanted if key in _OPTIONS}
    parser = parsers.TextParser(  # type: ignore[attr-defined] # pandas-stubs leave it out
        full, **{"header": 0, **AS_WRITTEN, **known}
    )
    return cast("pd.DataFrame", parser.read())


def _value(cell: Any, datemode: Literal[0, 1]) -> Any:
    """Return what the cell shows: Excel has no whole numbers, and dates are numbers to it."""
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
