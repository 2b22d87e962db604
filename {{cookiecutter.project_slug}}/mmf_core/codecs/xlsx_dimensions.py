"""The dimensions of an Excel sheet, in which any cell may claim to be the last one possible.

Cells have a reference: `<c r="B7">`. Most programs write all of them in this way, and then a single
search for a cell outside of the bounds of the first row and the last cell is enough. A sheet that
is written differently is searched cell by cell, which takes many times longer.
"""

from __future__ import annotations

import re

_REFERENCE = re.compile(rb'\sr\s*=\s*["\']([A-Za-z]*)([0-9]+)["\']')  # such as r="B7"
_ROW_OR_CELL = re.compile(rb"<(?:[\w.-]+:)?(row|c)[\s/>]")
_ROW = re.compile(rb"<row(?=[\s/>])")
_CELLS = [b"<c%c" % end for end in b" \t\n\r\f\v/>"]
_MAX_DIGITS = 12
_PLAIN = b'<c r="'
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"')


def dimensions(text: bytes) -> tuple[int, int]:
    """Return upper bounds of the rows and columns that a sheet's XML uses, from the first on."""
    first, last = text.find(b"sheetData"), text.rfind(b"sheetData")
    if first < 0:
        return 0, 0
    return _from_plain_cells(text[first:last]) or _from_any_cells(text)


def _from_plain_cells(cells: bytes) -> tuple[int, int] | None:
    """Return the bounds of all cells, if all have references, written in the usual way."""
    if b":c" in cells or cells.count(b"<c") != cells.count(_PLAIN):
        return None
    header = _PLAIN_CELL.finditer(cells, 0, max(cells.find(b"</row>"), 0))
    first = max((cell[1] for cell in header), key=_column_number, default=b"")
    last = _PLAIN_CELL.match(cells, max(cells.rfind(_PLAIN), 0))
    if not first or last is None:
        return None
    column, row = max(first, last[1], key=_column_number), last[2]
    within = _up_to(column, b"A", b"Z") + _up_to(row, b"0", b"9")
    if re.search(_PLAIN + b"(?!" + within + b'")', cells):
        return None
    return int(row), _column_number(column)


def _up_to(number: bytes, first: bytes, last: bytes) -> bytes:
    """Return a pattern of the numbers up to this one; the digits of columns are letters."""
    digit = b"[%b-%b]" % (first, last)
    patterns = [number]
    for index in range(len(number)):
        if number[index : index + 1] > first:
            below = b"[%b-%c]" % (first, number[index] - 1)
            patterns.append(number[:index] + below + digit * (len(number) - index - 1))
    if len(number) > 1:
        patterns.append(b"%b{1,%d}" % (digit, len(number) - 1))
    return b"(?:" + b"|".join(patterns) + b")"


def _from_any_cells(text: bytes) -> tuple[int, int]:
    """Count without keeping any match: a list of all cells would be ten times the text."""
    columns = rows = named_cells = named_rows = 0
    for reference in _REFERENCE.finditer(text):
        column, row = reference.groups()
        # So many letters or digits are far outside of any sheet, and slow to compute with.
        columns = max(columns, _column_number(column[:_MAX_DIGITS].upper()))
        rows = max(rows, int(row.lstrip(b"0")[:_MAX_DIGITS] or b"0"))
        if column:
            named_cells += 1
        else:
            named_rows += 1
    widths = _widths(text)
    if sum(widths) > named_cells:  # the others follow the cell before them
        columns += max(widths)
    return rows + max(0, len(widths) - 1 - named_rows), columns


def _widths(text: bytes) -> list[int]:
    """Return how many cells there are before the first row, and in each row."""
    if b":c" in text or b":row" in text:
        widths = [0]
        for element in _ROW_OR_CELL.finditer(text):
            if element[1] == b"c":
                widths[-1] += 1
            else:
                widths.append(0)
        return widths
    cells = [cell for cell in _CELLS if cell in text]  # counting takes a quarter of the time
    return [sum(map(row.count, cells)) for row in _ROW.split(text)]


def _column_number(letters: bytes) -> int:
    """Return the number of a column: 28 of AB."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
