"""Tables as CSV (RFC 4180) and TSV by pandas."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, ClassVar, cast

from ..errors import RequestError
from . import csv_rows, csv_text
from .base import Codec, Kind, Options, known_to
from .formats import Format

if TYPE_CHECKING:
    import pandas as pd

# Words that pandas takes for null. They are null among numbers; among texts they are texts.
_WORDS = [
    *("#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
]
_NULL_OPTIONS = {"na_values", "keep_default_na", "na_filter"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Separated(Codec["pd.DataFrame"]):
    """A header and rows. Options go to `pandas.read_csv` and count for more than what is here.

    Bytes are UTF-8, or what their byte order mark says, or else windows-1251, which is what
    Excel writes in Russian. An empty cell is null; so is a word like NA or null in a column
    that otherwise is no text, and in a text it stays the text that it is.
    """

    kind = Kind.TABLE
    requires: ClassVar = {"pandas": "pandas"}
    separator: ClassVar[str]

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        name = self.format.name
        text, options = csv_text.as_utf8(data, options, name)
        if not options.keys() & {"sep", "delimiter", "delim_whitespace"}:
            options = {**self._marks(text), **options}
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
        plain = csv_rows.header(value.columns.tolist(), self.separator)
        return plain or value.head(0).to_csv(index=False, sep=self.separator).encode()

    def _marks(self, text: bytes) -> dict[str, str]:
        """Return what separates cells."""
        return {"sep": self.separator}


class TableCSV(_Separated):
    """Commas; or semicolons, where the header has more of them, as Excel writes in Europe.

    Then a comma is a decimal one if any cell is a number with a comma, such as 1,5.
    """

    format = Format.CSV
    separator = ","

    def _header(self, value: pd.DataFrame) -> bytes:
        if not any(";" in str(name) for name in value.columns):
            return super()._header(value)
        # quoted, so that no semicolon is counted
        text: str = value.head(0).to_csv(index=False, quoting=csv_text.QUOTE_ALL)
        return text.encode()

    def _marks(self, text: bytes) -> dict[str, str]:
        if not csv_text.has_semicolons(text):
            return super()._marks(text)
        return {"sep": ";", "decimal": "," if csv_text.has_decimal_commas(text) else "."}


class TableTSV(_Separated):
    """Tabs (IANA text/tab-separated-values); a text with a tab or a line break is quoted."""

    format = Format.TSV
    separator = "\t"


def read(text: bytes, options: Options, name: str) -> pd.DataFrame:
    """Read UTF-8; RequestError calls the format by its `name`."""
    import pandas as pd

    known = {"low_memory": False, **known_to(pd.read_csv, options)}
    try:
        table = _read(text, known)
        if not known.keys() & _NULL_OPTIONS and (columns := _with_words(table, text)):
            nulls = {one: [""] if one in columns else ["", *_WORDS] for one in table.columns}
            table = _read(text, {**known, "keep_default_na": False, "na_values": nulls})
    except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        if str(error).endswith("C error: out of memory"):
            raise MemoryError from error  # not the caller's fault
        raise RequestError(f"this {name} cannot be read: {str(error).strip()}") from None
    if "index_col" not in known and not table.index.equals(pd.RangeIndex(len(table))):
        # pandas took the first cells for labels, and every column's values are shifted by one.
        raise csv_text.too_many_cells(name)
    return table


def _read(text: bytes, known: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    return cast("pd.DataFrame", pd.read_csv(io.BytesIO(text), **known))


def _with_words(table: pd.DataFrame, text: bytes) -> set[Any]:
    """Return the columns of texts where pandas may have taken a word for null."""
    # To make a Series of each column takes as long as to read a small table.
    texts = [place for place, dtype in enumerate(table.dtypes.array) if dtype.kind == "O"]
    columns = {
        table.columns[place]
        for place in texts
        if table.dtypes.iloc[place] == "str" and table.iloc[:, place].hasnans
    }
    return columns if columns and csv_text.has_any(text, _WORDS) else set()


def _without_formulas(table: pd.DataFrame) -> pd.DataFrame:
    """Put an apostrophe before what a spreadsheet program would run; numbers stay numbers."""
    import pandas as pd

    columns = {
        place: column if column.dtype.kind in "biufcM" else column.map(_harmless)
        for place, (_, column) in enumerate(table.items())
    }
    names = [_harmless(name) for name in table.columns]
    return pd.DataFrame(columns, index=table.index).set_axis(names, axis="columns")


def _harmless(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value
