"""Tables as CSV (RFC 4180) and TSV by pandas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..errors import RequestError
from . import csv_rows, csv_text
from .base import Codec, Kind, Options, supported_options, with_dtype
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

# Words that pandas reads as null. They are null among numbers; among texts they are texts.
_NULL_WORDS = [
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
_NULL_OPTIONS = {"na_values", "keep_default_na", "na_filter"}
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class _Separated(Codec["pd.DataFrame"]):
    """A header and rows. Options go to `pandas.read_csv` and override the defaults here.

    The encoding is that of the byte order mark, or UTF-8, or else windows-1251, in which Excel
    writes Russian. An empty cell is null, and so is a word like NA or null in a column of other
    types than text; in a column of text it stays text.
    """

    kind = Kind.TABLE
    requires: ClassVar = {"pandas": "pandas"}
    memory_weights: ClassVar = {b"\n": 56, b"\r": 56, b",": 28, b";": 28, b"\t": 28}
    separator: ClassVar[str]

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        name = self.format.name
        text, options = csv_text.as_utf8(data, options, name)
        if not options.keys() & {"sep", "delimiter", "delim_whitespace"}:
            options = {**self._separators(text), **options}
        csv_text.check_width(text, str(options.get("sep") or options.get("delimiter")), name)
        return read(text, options, name)

    def encode(self, value: pd.DataFrame, options: Options) -> bytes:
        if options.get("escape_formulas"):
            value = _without_formulas(value)
        rows = csv_rows.rows(value, self.separator)
        if rows is None:
            rows = value.to_csv(index=False, header=False, sep=self.separator).encode()
        return self._header(value) + rows

    def _header(self, value: pd.DataFrame) -> bytes:
        line = csv_rows.header(value.columns.tolist(), self.separator)
        return line or value.head(0).to_csv(index=False, sep=self.separator).encode()

    def _separators(self, text: bytes) -> dict[str, str]:
        """Return pandas' options for the characters between cells and before decimals."""
        return {"sep": self.separator}


class TableCSV(_Separated):
    """Commas, or semicolons if the header has more of them, as Excel writes in Europe.

    Then the decimal separator is a comma if any cell is a number with a comma, such as 1,5.
    """

    format = Format.CSV
    separator = ","

    def _header(self, value: pd.DataFrame) -> bytes:
        if not any(";" in str(name) for name in value.columns):
            return super()._header(value)
        # quoted, so that its semicolons do not count
        text: str = value.head(0).to_csv(index=False, quoting=csv_text.QUOTE_ALL)
        return text.encode()

    def _separators(self, text: bytes) -> dict[str, str]:
        if not csv_text.has_semicolons(text):
            return super()._separators(text)
        return {"sep": ";", "decimal": "," if csv_text.has_decimal_commas(text) else "."}


class TableTSV(_Separated):
    """Tabs (IANA text/tab-separated-values); a text with a tab or a line break is quoted."""

    format = Format.TSV
    separator = "\t"


def read(text: bytes, options: Options, name: str) -> pd.DataFrame:
    """Read UTF-8; `name` is the format's in a RequestError."""
    import pandas as pd

    arguments = {"low_memory": False, **supported_options(pd.read_csv, with_dtype(options))}
    try:
        table = _read(text, arguments)
        if not arguments.keys() & _NULL_OPTIONS and (columns := _with_words(table, text)):
            nulls = {
                name: [""] if name in columns else ["", *_NULL_WORDS] for name in table.columns
            }
            table = _read(text, {**arguments, "keep_default_na": False, "na_values": nulls})
    except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        if str(error).endswith("C error: out of memory"):
            raise MemoryError from error  # not the client's fault
        raise RequestError(f"this {name} cannot be read: {str(error).strip()}") from None
    if "index_col" not in arguments and not table.index.equals(pd.RangeIndex(len(table))):
        # pandas took the first cells for an index, and every column's values are shifted by one.
        raise csv_text.too_many_cells(name)
    return table


def _read(text: bytes, arguments: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return cast("pd.DataFrame", pd.read_csv(io.BytesIO(text), **arguments))


def _with_words(table: pd.DataFrame, text: bytes) -> set[Any]:
    """Return the columns of text in which pandas may have read a word as null."""
    # Making a Series of each column takes as long as reading a small table.
    text_indices = [index for index, dtype in enumerate(table.dtypes.array) if dtype.kind == "O"]
    columns = {
        table.columns[index]
        for index in text_indices
        if table.dtypes.iloc[index] == "str" and table.iloc[:, index].hasnans
    }
    return columns if columns and csv_text.has_any(text, _NULL_WORDS) else set()


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before texts that a spreadsheet would run as formulas."""
    import pandas as pd

    columns = {
        index: column if column.dtype.kind in "biufcM" else column.map(_escape_formula)
        for index, (_, column) in enumerate(table.items())
    }
    names = [_escape_formula(name) for name in table.columns]
    return pd.DataFrame(columns, index=table.index).set_axis(names, axis="columns")


def _escape_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA_STARTS) else value
