"""How large a sheet of an Excel workbook is, where any cell may say that it is the last of all.

Cells say where they are: `<c r="B7">`. Most programs write each of them so, and then one search
for a cell that is outside of what the first row and the last cell say is enough. Whatever is
written in another way is looked at piece by piece, which takes many times longer.
"""

from __future__ import annotations

import re

_REFERENCE = re.compile(rb'\sr\s*=\s*["\']([A-Za-z]*)([0-9]+)["\']')  # such as r="B7"
_ROW_OR_CELL = re.compile(rb"<(?:[\w.-]+:)?(row|c)[\s/>]")
_PLAIN = b'<c r="'
_PLAIN_CELL = re.compile(rb'<c r="([A-Z]{1,3})([1-9][0-9]{0,6})"')


def dimensions(text: bytes) -> tuple[int, int]:
    """Return how many rows and columns a sheet's XML may use at most, from the first on."""
    first, last = text.find(b"sheetData"), text.rfind(b"sheetData")
    if first < 0:
        return 0, 0
    return _of_plain_cells(text[first:last]) or _of_any_cells(text)


def _of_plain_cells(cells: bytes) -> tuple[int, int] | None:
    """Return a bound that all cells keep, if all say where they are, and in one way."""
    if b":c" in cells or cells.count(b"<c") != cells.count(_PLAIN):
        return None
    header = _PLAIN_CELL.finditer(cells, 0, max(cells.find(b"</row>"), 0))
    first = max((cell[1] for cell in header), key=_place, default=b"")
    last = _PLAIN_CELL.match(cells, max(cells.rfind(_PLAIN), 0))
    if not first or last is None:
        return None
    column, row = max(first, last[1], key=_place), last[2]
    within = _up_to(column, b"A", b"Z") + _up_to(row, b"0", b"9")
    if re.search(_PLAIN + b"(?!" + within + b'")', cells):
        return None
    return int(row), _place(column)


def _up_to(number: bytes, first: bytes, last: bytes) -> bytes:
    """Return a pattern of whatever has fewer digits, or as many and is no greater.

    Digits are from `first` to `last`: those of columns are letters.
    """
    digit = b"[%b-%b]" % (first, last)
    patterns = [number]
    for place in range(len(number)):
        if number[place : place + 1] > first:
            below = b"[%b-%c]" % (first, number[place] - 1)
            patterns.append(number[:place] + below + digit * (len(number) - place - 1))
    if len(number) > 1:
        patterns.append(b"%b{1,%d}" % (digit, len(number) - 1))
    return b"(?:" + b"|".join(patterns) + b")"


def _of_any_cells(text: bytes) -> tuple[int, int]:
    """Go through all of it, keeping nothing: a list of all cells would be ten times the text."""
    columns = rows = named_cells = named_rows = 0
    for reference in _REFERENCE.finditer(text):
        column, row = reference.groups()
        columns, rows = max(columns, _place(column.upper())), max(rows, int(row))
        if column:
            named_cells += 1
        else:
            named_rows += 1
    all_cells = all_rows = widest = width = 0
    for element in _ROW_OR_CELL.finditer(text):
        if element[1] == b"c":
            all_cells += 1
            width += 1
        else:
            all_rows += 1
            widest, width = max(widest, width), 0
    if all_cells > named_cells:  # some only follow the one before them
        columns += max(widest, width)
    return rows + max(0, all_rows - named_rows), columns


def _place(letters: bytes) -> int:
    """Return which column AB is: 28."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place
