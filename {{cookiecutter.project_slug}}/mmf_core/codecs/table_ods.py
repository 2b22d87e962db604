"""Tables as OpenDocument spreadsheets: read, never written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import RequestError
from .base import Codec, Kind, Options, refuse_sparse, too_large
from .formats import Format
from .workbooks import read_zipped
from .zipped import BYTES_PER_CELL

if TYPE_CHECKING:
    import pandas as pd

_CELL_TAGS = {"table:table-cell", "table:covered-table-cell"}


class TableODS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; `workbooks.select_sheet` says which."""

    kind = Kind.TABLE
    format = Format.ODS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "python_calamine": "python-calamine"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read_zipped(data, options, ".ods", _check_content)


CODECS = (TableODS(),)


def _check_content(xml: bytes, max_size: int) -> None:
    """Refuse a content.xml in which a few bytes repeat more rows, cells or text than allowed."""
    rows, columns, text_size = dimensions(xml)
    refuse_sparse(rows, columns, len(xml) // BYTES_PER_CELL)
    if text_size > max_size:
        raise too_large("workbook", max_size)


def dimensions(xml: bytes) -> tuple[int, int, int]:
    """Return the rows of all tables together, the columns of the widest, and all text.

    The text is in characters, and counted as often as it is repeated. Empty rows and cells at
    the end do not count: most programs write them, repeated to the end of the sheet.
    """
    from xml.parsers.expat import ParserCreate

    counter = _Counter()
    parser = ParserCreate()
    parser.StartElementHandler = counter.start
    parser.CharacterDataHandler = counter.add_text
    parser.StartDoctypeDeclHandler = counter.refuse_dtd
    parser.Parse(xml, True)
    return counter.rows, counter.columns, counter.text_size


class _Counter:
    """Expat's handlers; they expect the prefixes that every program writes, as calamine does."""

    def __init__(self) -> None:
        self.rows = self.columns = self.text_size = 0
        self._row = self._column = 0
        self._row_repeats = self._cell_repeats = 1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table-row":
            self._row_repeats = int(attributes.get("table:number-rows-repeated", 1))
            self._row += self._row_repeats
            self._column = 0
        elif tag == "table:table":
            self._row = self.rows
        elif tag in _CELL_TAGS:
            self._cell_repeats = int(attributes.get("table:number-columns-repeated", 1))
            self._column += self._cell_repeats
            self.add_text(attributes.get("office:string-value", ""))
            if any(name.startswith(("office:", "table:formula")) for name in attributes):
                self.rows = max(self.rows, self._row)
                self.columns = max(self.columns, self._column)

    def add_text(self, text: str) -> None:
        self.text_size += len(text) * self._row_repeats * self._cell_repeats

    def refuse_dtd(self, *_: Any) -> None:
        raise RequestError("this workbook has a DTD, which is not supported; save it again")
