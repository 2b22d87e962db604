"""Sheets of Excel that are a header and then rows of numbers only, most of which need no calamine.

Their header, one row of the same styles, and what is before and behind the rows remain for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .decoded_size import MAX_COLUMNS
from .uniform_rows import NUMBER, Role, is_well_formed, number_block, roles
from .xlsx_file import letters
from .zipped import MAX_ROWS, MAX_TAGS

if TYPE_CHECKING:
    import numpy as np

_START, _ROW_END, _END = b"<sheetData>", b"</row>", b"</sheetData>"
_ROW = re.compile(rb'<row r="(2)"(?: [\w:]{1,50}="[\w:.-]{1,50}")*+>')
_CELL = re.compile(rb'<c r="([A-Z]++)(2)"(?: s="[0-9]++"| t="n")*+><v>(%b)</v></c>' % NUMBER)
_VALUE = re.compile(rb"<v>[^<]*+</v>")
_DATE = b"<v>45000</v>"
"""A value that is a date if its cell has a style of dates; calamine makes numbers of others."""


def cut_numbers(sheet: bytes) -> tuple[bytes, np.ndarray] | None:
    """Return a sheet with one row in place of all its numbers, and these; None if it has others."""
    start, end = sheet.find(_START), sheet.rfind(_END)
    header_end = sheet.find(_ROW_END, start, max(end, 0)) + len(_ROW_END)
    if start < 0 or header_end < start:
        return None
    row = sheet[header_end : sheet.find(_ROW_END, header_end, end) + len(_ROW_END)]
    row_roles = _roles(row)
    if not row_roles or not is_well_formed(sheet[start + len(_START) : header_end]):
        return None
    block = number_block(sheet, header_end, end, _ROW_END, row_roles)
    if block is None or len(block) >= MAX_ROWS:
        return None
    rest = sheet[:header_end] + _VALUE.sub(_DATE, row) + sheet[end:]
    tags = rest.count(b"<") + row.count(b"<") * (len(block) - 1)
    is_only_one = rest.count(b"sheetData") == 2  # noqa: PLR2004 - its two tags
    return (rest, block) if is_only_one and tags <= MAX_TAGS else None


def _roles(row: bytes) -> list[Role]:
    """Return what the numbers of the second row are; none if it is not a row of numbers."""
    opening = _ROW.match(row)
    if opening is None:
        return []
    ignored = re.finditer(NUMBER, opening[0])  # such as a height
    places = {number.start(): Role.IGNORED for number in ignored} | {opening.start(1): Role.ROW}
    place, columns = opening.end(), 0
    while (cell := _CELL.match(row, place)) and columns < MAX_COLUMNS:
        if cell[1] != letters(columns).encode():
            return []
        places |= {cell.start(2): Role.ROW, cell.start(3): Role.VALUE}
        place, columns = cell.end(), columns + 1
    return roles(row, places) if columns and row[place:] == _ROW_END else []
