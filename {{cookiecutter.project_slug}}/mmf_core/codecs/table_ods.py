"""Tables as OpenDocument spreadsheets: read, never written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import RequestError
from .base import Codec, Kind, Options
from .decoded_size import refuse_sparse, too_large
from .formats import Format
from .workbooks import read_zipped
from .zipped import BYTES_PER_CELL

if TYPE_CHECKING:
    import pandas as pd

_SHOWN_ERROR = re.compile(rb">(?:#[^\d\s<]|Err:)|calcext:value-type=.error")
_ERROR = re.compile(rb"#(?:[^\W\d_]|[\x80-\xff]|/0?)+[!?]?|Err:[0-9]{3}")  # in any language
_CELL = re.compile(
    rb"""(<table:table-cell)((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)"""
    rb"(?<!/)(?=>\s*+(?:<text:[^<>]*+>\s*+){1,2}([^<]*+))(>)"
)
_VALUE = re.compile(rb"""\s(?:office|calcext):[\w-]+\s*=\s*(?:"[^"]*"|'[^']*')""")
_FLAG = re.compile(rb"""\scalcext:value-type\s*=\s*["']error["']""")
_IS_TEXT = re.compile(rb"""\soffice:value-type\s*=\s*["']string["']""")
_CELL_TAGS = {"table:table-cell", "table:covered-table-cell"}


class TableODS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; `workbooks.select_sheet` says which.

    A cell that shows an error is empty, whatever value is kept for it.
    """

    kind = Kind.TABLE
    format = Format.ODS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "python_calamine": "python-calamine"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read_zipped(data, options, ".ods", _checked_content)


CODECS = (TableODS(),)


def _checked_content(xml: bytes, max_size: int) -> bytes:
    """Refuse a content.xml in which a few bytes repeat more rows, cells or text than allowed.

    Return it with no value in cells that show an error.
    """
    rows, columns, text_size = dimensions(xml)
    refuse_sparse(rows, columns, len(xml) // BYTES_PER_CELL)
    if text_size > max_size:
        raise too_large("workbook", max_size)
    return _CELL.sub(_without_error, xml) if _SHOWN_ERROR.search(xml) else xml


def _without_error(cell: re.Match[bytes]) -> bytes:
    tag, attributes, text, end = cell.groups()
    is_error = _FLAG.search(attributes) or (
        _ERROR.fullmatch(text) and not _IS_TEXT.search(attributes)
    )
    return tag + _VALUE.sub(b"", attributes) + end if is_error else cell[0]


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
