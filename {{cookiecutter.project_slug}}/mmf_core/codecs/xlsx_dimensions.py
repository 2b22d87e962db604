"""The dimensions of an Excel sheet, in which any cell may claim to be the last one possible.

Cells have a reference: `<c r="B7">`. Most programs write all of them in this way, and then a single
search for a cell outside of the bounds of the first row and the last cell is enough. A sheet that
is written differently is searched cell by cell, which takes many times longer.
"""

from __future__ import annotations

import re
from typing import Any

from .byte_search import are_among, places

_ROW_OR_CELL = re.compile(rb"<(?:[\w.-]+:)?(row|c)[\s/>]")
_SPACED_REFERENCE = re.compile(rb"""(\sr)(?:\s++=\s*+|=\s++)(?=["'])""")  # r = "B7"
_SPACES = b" \t\n\r\f\v"
_TAG_ENDS = _SPACES + b"/>"
_MAX_DIGITS, _TOO_LARGE = 12, 10**12
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
    """Count without an object for each cell: a list of them would be ten times the text."""
    import numpy as np

    if _SPACED_REFERENCE.search(text):
        text = _SPACED_REFERENCE.sub(rb"\1=", text)
    characters = np.frombuffer(text, np.uint8)
    starts = places(characters, b"r", b"=", b"\"'")
    starts = starts[are_among(characters[starts - 1], _SPACES)] + 3
    columns, letters_end = _numbers(characters, starts, b"A", 26)
    rows, end = _numbers(characters, letters_end, b"0", 10)
    is_reference = (end > letters_end) & are_among(characters[end], b"\"'")
    is_reference |= (columns == _TOO_LARGE) | (rows == _TOO_LARGE)
    has_column = is_reference & (letters_end > starts)
    named_rows, named_cells = (is_reference & ~has_column).sum(), has_column.sum()
    widest = int(columns[has_column].max(initial=0))
    widths = _widths(text, characters)
    if widths.sum() > named_cells:  # the others follow the cell before them
        widest += int(widths.max())
    return int(rows[is_reference].max(initial=0) + max(0, len(widths) - 1 - named_rows)), widest


def _numbers(characters: Any, starts: Any, first: bytes, base: int) -> tuple[Any, Any]:
    """Return the numbers that begin at some places, in digits from `first` on, and their ends.

    Letters, in either case, are the digits of columns. A number of very many digits is a large one.
    """
    import numpy as np

    numbers, ends, active = np.zeros(len(starts), np.int64), starts.copy(), np.arange(len(starts))
    for _ in range(_MAX_DIGITS):
        digits = characters[ends[active]]
        digits = (digits & ~np.uint8(32) if first == b"A" else digits) - ord(first)
        active, digits = active[digits < base], digits[digits < base]
        numbers[active] = numbers[active] * base + digits + (first == b"A")
        ends[active] += 1
    numbers[active] = _TOO_LARGE
    return numbers, ends


def _widths(text: bytes, characters: Any) -> Any:
    """Return how many cells there are before the first row, and in each row."""
    import numpy as np

    if b":c" in text or b":row" in text:
        widths = [0]
        for element in _ROW_OR_CELL.finditer(text):
            if element[1] == b"c":
                widths[-1] += 1
            else:
                widths.append(0)
        return np.array(widths)
    cells = places(characters, b"<", b"c", _TAG_ENDS)
    rows = places(characters, b"<", b"r", b"o", b"w", _TAG_ENDS)
    return np.diff(np.searchsorted(cells, [0, *rows, len(text)]))


def _column_number(letters: bytes) -> int:
    """Return the number of a column: 28 of AB."""
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number
