"""Tables as CSV (RFC 4180) and TSV by pandas."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import TYPE_CHECKING, Any, ClassVar

from . import csv_dialect, csv_rows, csv_text
from .base import Codec, Kind, Options
from .cell_text import simple_cells
from .csv_reader import read
from .encoded_size import check_cells, check_nested_texts, joined
from .formats import Format
from .number_format import number_format_in

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 14_000_000
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Separated(Codec["pd.DataFrame"]):
    """A header and rows. Options go to `pandas.read_csv` and override the defaults here.

    The encoding is that of the byte order mark, or UTF-8, or else windows-1251, in which Excel
    writes Russian. An empty cell is null, and so is a word like NA or null in a column of other
    types than text; in a column of text it stays text.
    """

    kind = Kind.TABLE
    requires: ClassVar = {"pandas": "pandas"}
    memory_weights: ClassVar = {b"\n": 56, b"\r": 56, b",": 28, b";": 28, b"\t": 28, b"|": 28}
    separator: ClassVar[str]

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        name = self.format.name
        text, options = csv_text.as_utf8(data, options, name)
        declared, text = csv_dialect.split_separator_line(text)
        separator = options.get("sep") or options.get("delimiter")
        if separator is None:
            separator = declared or self._separator_of(text)
            options = {**options, "sep": separator}
        csv_text.check_width(text, separator, options, name)
        csv_text.check_blank_lines(text, separator, options)
        if separator == ";" and "decimal" not in options:
            number_format = csv_dialect.number_format(text, options.get("thousands") or "")
        else:
            number_format = number_format_in(options)
        return read(text, options, name, number_format)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        name = self.format.name
        check_cells(value, name, _MOST_CELLS)
        if options.get("escape_formulas"):
            value = _without_formulas(value)
        rows = csv_rows.rows(value, self.separator)
        if rows is None:
            check_nested_texts(value, options)
            simple = _changed(value, "Oc", simple_cells)
            text = simple.to_csv(index=False, header=False, sep=self.separator)
            rows = iter([text.encode()])
        return joined(chain([self._header(value)], rows), name, options)

    def _header(self, value: pd.DataFrame) -> bytes:
        line = csv_rows.header(value.columns.tolist(), self.separator)
        return line or value.head(0).to_csv(index=False, sep=self.separator).encode()

    def _separator_of(self, text: bytes) -> str:
        return self.separator


class TableCSV(_Separated):
    """Commas between cells; semicolons as Excel writes in Europe, tabs and bars are recognised.

    Between semicolons, numbers may have decimal commas.
    """

    format = Format.CSV
    separator = ","

    def _header(self, value: pd.DataFrame) -> bytes:
        if not any(sign in str(name) for name in value.columns for sign in csv_dialect.SEPARATORS):
            return super()._header(value)
        # quoted, so that its separators do not count
        text: str = value.head(0).to_csv(index=False, quoting=csv_text.QUOTE_ALL)
        return text.encode()

    def _separator_of(self, text: bytes) -> str:
        return csv_dialect.separator(text)


class TableTSV(_Separated):
    """Tabs (IANA text/tab-separated-values); a text with a tab or a line break is quoted."""

    format = Format.TSV
    separator = "\t"


def _changed(
    table: pd.DataFrame, kinds: str, change: Callable[[pd.Series], pd.Series]
) -> pd.DataFrame:
    """Return a table with the columns changed that are of some of NumPy's kinds."""
    import pandas as pd

    columns = {
        index: change(column) if column.dtype.kind in kinds else column
        for index, (_, column) in enumerate(table.items())
    }
    return pd.DataFrame(columns, index=table.index).set_axis(table.columns, axis="columns")


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would run as formulas."""
    import pandas as pd

    def escape(column: pd.Series) -> pd.Series:
        cells = [_escape_formula(cell) for cell in column.tolist()]
        return pd.Series(cells, column.index, dtype=object)

    names = [_escape_formula(name) for name in table.columns]
    return _changed(table, "O", escape).set_axis(names, axis="columns")


def _escape_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
