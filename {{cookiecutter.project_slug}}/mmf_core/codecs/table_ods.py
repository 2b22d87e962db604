"""Tables as OpenDocument spreadsheets: read, never written."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import RequestError
from .base import Codec, Kind, Options
from .decoded_size import MAX_COLUMNS, check_tags, refuse_sparse, too_large, too_many_changes
from .formats import Format
from .sheet_formulas import UNKNOWN
from .uniform_rows import NUMBER, Role, is_well_formed, number_block, roles
from .workbooks import read_zipped
from .zipped import BYTES_PER_CELL

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_ERROR_SIGNS = (b"#", b"Err:", b"error")
_MAY_HAVE_ERROR = re.compile(rb">\s*+(?:#[^\d\s<]|Err:)|calcext:value-type\s*=\s*.error")
_ERROR = re.compile(r"#(?:[^\W\d_]|[^\x00-\x7f]|/0?)+[!?]?|Err:[0-9]{3}")  # in any language
_TAG = re.compile(rb"""<table:[\w-]++((?:[^<>"']|"[^"<]*"|'[^'<]*')*+)>""")
_VALUE = re.compile(rb"""\s(?:office|calcext):[\w-]+\s*=\s*(?:"[^"]*"|'[^']*')""")
_BREAK = re.compile(rb"<text:(line-break|tab)(?:\s[^<>/]*+)?+(?:/>|></text:(?:line-break|tab)>)")
_BREAKS = {b"line-break": b"&#10;", b"tab": b"&#9;"}  # calamine would leave them out
_MAX_TAGS = 3_000_000
"""Each takes a call of a function; a content.xml of the largest size has about as many."""
_MAX_CHANGED = 200_000
"""Cells that are rewritten before a sheet is read."""
_FORMULA = b"table:formula"
_UNKNOWN_VALUE = f' office:value-type="string" office:string-value="{UNKNOWN}"'.encode()
_LONGEST_ERROR = 100  # characters
_REPEATS = (b"-repeated", b"text:c")
_ROW = re.compile(rb"<table:table-row\b")
_ROW_START, _ROW_END = b"<table:table-row", b"</table:table-row>"
_TABLE = re.compile(rb"<table:table(?![\w.-])")
_NUMBER_ROW = re.compile(rb'<table:table-row(?: table:style-name="\w{1,50}")?+>')
_NUMBER_CELL = re.compile(
    rb'<table:table-cell(?: table:style-name="\w{1,50}")?+ office:value-type="float"'
    rb' office:value="(%b)"(?: calcext:value-type="float")?+>'
    rb"<text:p>(%b)</text:p></table:table-cell>" % (NUMBER, NUMBER)
)
_HAS_VALUE = re.compile("office:|table:formula").match
_CELL_TAGS = {"table:table-cell", "table:covered-table-cell"}


class TableODS(Codec["pd.DataFrame"]):
    """One sheet, its first row the header; `workbooks.select_sheet` says which.

    A cell that shows an error is empty, whatever value is stored for it.
    """

    kind = Kind.TABLE
    format = Format.ODS
    writes = False
    requires: ClassVar = {"pandas": "pandas", "python_calamine": "python-calamine"}

    def decode(self, data: bytes, options: Options) -> pd.DataFrame:
        return read_zipped(data, options, ".ods", cut_numbers, _checked_content)


CODECS = (TableODS(),)


def _checked_content(xml: bytes, max_size: int) -> bytes:
    """Refuse a content.xml in which a few bytes repeat more rows, cells or text than allowed.

    Return it with no value in cells that show an error, `UNKNOWN` in formulas without one, and line
    breaks and tabs as characters.
    """
    check_tags(xml, _MAX_TAGS)
    rows, columns, text_size = _plain_dimensions(xml) or dimensions(xml)
    refuse_sparse(rows, columns, len(xml) // BYTES_PER_CELL)
    if text_size > max_size:
        raise too_large("workbook", max_size)
    if _FORMULA in xml or _may_have_errors(xml):
        xml = _with_exact_values(xml)
    return _BREAK.sub(lambda tag: _BREAKS[tag[1]], xml)


def cut_numbers(xml: bytes) -> tuple[bytes, np.ndarray] | None:
    """Return a content.xml with one row in place of all its numbers, and these.

    None if it has another table, or any other row behind the header.
    """
    start, end = xml.find(_ROW_START), xml.rfind(_ROW_END) + len(_ROW_END)
    header_end = xml.find(_ROW_END, max(start, 0)) + len(_ROW_END)
    row = xml[header_end : xml.find(_ROW_END, header_end) + len(_ROW_END)]
    row_roles = _roles(row)
    if not row_roles or not is_well_formed(xml[start:header_end]):
        return None
    block = number_block(xml, header_end, end, _ROW_END, row_roles)
    if block is None:
        return None
    rest = xml[: header_end + len(row)] + xml[end:]
    tags = rest.count(b"<") + row.count(b"<") * (len(block) - 1)
    is_only_one = len(_TABLE.findall(rest)) == 1
    return (rest, block) if is_only_one and tags <= _MAX_TAGS else None


def _roles(row: bytes) -> list[Role]:
    """Return what the numbers of a row are; none if it is not a row of numbers."""
    opening = _NUMBER_ROW.match(row)
    places: dict[int, Role] = {}
    place = opening.end() if opening else 0
    while (cell := _NUMBER_CELL.match(row, place)) and len(places) < 2 * MAX_COLUMNS:
        places |= {cell.start(1): Role.VALUE, cell.start(2): Role.IGNORED}
        place = cell.end()
    return roles(row, places) if places and row[place:] == _ROW_END else []


def _may_have_errors(xml: bytes) -> bool:
    """Return whether a cell may show an error; most workbooks lack the signs of one."""
    has_signs = any(sign in xml for sign in _ERROR_SIGNS)
    return has_signs and _MAY_HAVE_ERROR.search(xml) is not None


def _with_exact_values(xml: bytes) -> bytes:
    cells = _Cells(xml)
    pieces: list[bytes] = []
    end = 0
    for start, value in cells.changes:
        tag = _TAG.match(xml, start)
        if tag is not None:
            attributes = _VALUE.sub(b"", tag[1].removesuffix(b"/")) + value
            pieces += xml[end : tag.start(1)], attributes, b"/" * tag[1].endswith(b"/")
            end = tag.end(1)
    return b"".join([*pieces, xml[end:]])


class _Cells:
    """The cells of a content.xml whose value is not what is stored: their places, and the value.

    The text of a cell's comment is not its own.
    """

    def __init__(self, xml: bytes) -> None:
        from xml.parsers.expat import ParserCreate

        self.changes: list[tuple[int, bytes]] = []
        self._attributes: dict[str, str] = {}
        self._start = self._comments = 0
        self._text = ""
        self._parser = ParserCreate()
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._open
        self._parser.CharacterDataHandler = self._add_text
        self._parser.EndElementHandler = self._close
        self._parser.Parse(xml, True)

    def _open(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _CELL_TAGS:
            self._start, self._attributes = self._parser.CurrentByteIndex, attributes
            self._text = ""
        self._comments += tag == "office:annotation"

    def _add_text(self, text: str) -> None:
        if not self._comments and len(self._text) < _LONGEST_ERROR:
            self._text += text

    def _close(self, tag: str) -> None:
        self._comments -= tag == "office:annotation"
        if tag not in _CELL_TAGS:
            return
        if len(self.changes) > _MAX_CHANGED:
            raise too_many_changes(_MAX_CHANGED)
        type_, text = self._attributes.get("office:value-type"), self._text.strip()
        is_marked = self._attributes.get("calcext:value-type") == "error"
        if is_marked or (type_ != "string" and _ERROR.fullmatch(text)):
            self.changes.append((self._start, b""))
        elif type_ is None and not text and "table:formula" in self._attributes:
            self.changes.append((self._start, _UNKNOWN_VALUE))


def dimensions(xml: bytes) -> tuple[int, int, int]:
    """Return the rows of all tables together, the columns of the widest, and all text.

    The text is in characters, and counted as often as it is repeated. Empty rows and cells at
    the end do not count: most programs write them, repeated to the end of the sheet.
    """
    from xml.parsers.expat import ParserCreate

    counter = _Counter()
    parser = ParserCreate()
    parser.buffer_text = True  # else each line break is a call
    parser.StartElementHandler = counter.start
    parser.CharacterDataHandler = counter.add_text
    parser.StartDoctypeDeclHandler = counter.refuse_dtd
    parser.Parse(xml, True)
    return counter.rows, counter.columns, counter.text_size


def _plain_dimensions(xml: bytes) -> tuple[int, int, int] | None:
    """Return upper bounds of `dimensions`; None if something repeats, or if they are too large.

    Expat checks the XML without a call of Python for each of its tags.
    """
    from xml.parsers.expat import ParserCreate

    if any(sign in xml for sign in _REPEATS):
        return None
    parser = ParserCreate()
    parser.StartDoctypeDeclHandler = _Counter().refuse_dtd
    parser.Parse(xml, True)
    starts = [0, *(row.start() for row in _ROW.finditer(xml)), len(xml)]
    columns = max(
        sum(xml.count(b"<" + tag.encode(), *ends) for tag in _CELL_TAGS)
        for ends in pairwise(starts)
    )
    rows = len(starts) - 2
    is_dense = columns <= MAX_COLUMNS and rows * columns <= len(xml) // BYTES_PER_CELL
    return (rows, columns, len(xml)) if is_dense else None


class _Counter:
    """Expat's handlers; they expect the prefixes that every program writes, as calamine does."""

    def __init__(self) -> None:
        self.rows = self.columns = self.text_size = 0
        self._row = self._column = 0
        self._row_repeats = self._cell_repeats = 1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _CELL_TAGS:  # first, since most are
            repeats = attributes.get("table:number-columns-repeated")
            self._cell_repeats = 1 if repeats is None else int(repeats)
            self._column += self._cell_repeats
            if text := attributes.get("office:string-value"):
                self.add_text(text)
            if any(map(_HAS_VALUE, attributes)):
                self.rows = max(self.rows, self._row)
                self.columns = max(self.columns, self._column)
        elif tag == "table:table-row":
            self._row_repeats = int(attributes.get("table:number-rows-repeated", 1))
            self._row += self._row_repeats
            self._column = 0
        elif tag == "table:table":
            self._row = self.rows
        elif tag == "text:s":  # spaces, that many
            self._add_characters(abs(int(attributes.get("text:c", 1))))

    def add_text(self, text: str) -> None:
        self._add_characters(len(text))

    def _add_characters(self, count: int) -> None:
        self.text_size += count * self._row_repeats * self._cell_repeats

    def refuse_dtd(self, *_: Any) -> None:
        raise RequestError("this workbook has a DTD, which is not supported; save it again")
