"""Dates and durations of Excel that do not exist: each is read as the number that is stored.

calamine reads a date before Excel's first one as midnight, and 29 February 1900, which only Excel
has, as the day before; a duration of millions of years is an error. Cells with such a number lose
their style before calamine sees them, by NumPy: without an object for each.
"""

from __future__ import annotations

import io
import re
from collections.abc import Collection
from contextlib import suppress
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from . import xlsx_file
from .byte_search import are_among, places
from .sheet_formulas import TO_VALUE
from .zipped import stored

if TYPE_CHECKING:
    import numpy as np

LEAP_DAY = 60
"""29 February 1900, which Excel counts in the first of its two calendars."""
_NUMBER = rb"(?:-|60[.<]|[0-9]{9}|[0-9.]{1,25}[eE][+0-9])"
MAY_BE_IMPOSSIBLE = re.compile(rb"v>" + _NUMBER)
"""A value that is not a date, or a duration of very many days, if it has such a style."""
_STYLED = re.compile(rb"""\ss=["']([0-9]{1,5})["']""" + TO_VALUE + _NUMBER)
_IN_1904 = re.compile(rb"""\bdate1904\s*=\s*["'](?:1|true)""")
_MAX_DAYS, _MAX_DIGITS = 999_999_999, 9  # of a timedelta
_MAX_STYLES = 65_536  # Excel has 65,490 at most
_STYLE_DIGITS = 5
_NUMBER_SIZE = 25
"""The most characters of a float, and the sign of the tag behind it."""
_PIECE_SIZE = 1 << 18
_ROW_END = b"</row>"
_SPACES = b" \t\r\n"


class _Styles(NamedTuple):
    """What styles show, by their index; the last one is that of a cell without any."""

    are_dates: np.ndarray[Any, Any]
    are_durations: np.ndarray[Any, Any]
    has_leap_day: bool


def without_impossible(parts: dict[str, bytes]) -> dict[str, bytes]:
    """Return the parts of a workbook in which no impossible number has the style of a date."""
    names = [name for name in parts if name.lower() == xlsx_file.STYLES]
    if not names:
        return parts
    sheets = {name: part for name, part in parts.items() if b"sheetData" in part}
    doubtful = {name: _doubtful_styles(part) for name, part in sheets.items()}
    if not any(doubtful.values()):
        return parts
    styles = _styles_of(parts[names[0]], parts.get("xl/workbook.xml", b""))
    are_shown = {*(styles.are_dates | styles.are_durations).nonzero()[0].tolist()}
    changed = [name for name, indices in doubtful.items() if not are_shown.isdisjoint(indices)]
    return parts | {name: _unstyled(parts[name], styles) for name in changed}


def _doubtful_styles(sheet: bytes) -> Collection[int]:
    """Return the styles of numbers that may be impossible, by their index; all, of a long sheet."""
    if len(sheet) > _PIECE_SIZE:
        return range(_MAX_STYLES) if MAY_BE_IMPOSSIBLE.search(sheet) else ()
    return {int(cell[1]) for cell in _STYLED.finditer(sheet)}


def _styles_of(xml: bytes, workbook: bytes) -> _Styles:
    """Have calamine read a number in each style."""
    import numpy as np
    from python_calamine import CalamineWorkbook

    count = min(xml.count(b"xf"), _MAX_STYLES)
    rows = "".join(f'<row><c s="{index}"><v>45000</v></c></row>' for index in range(count))
    sheet = f"{xlsx_file.SHEET_START}{rows}{xlsx_file.SHEET_END}</worksheet>"
    parts = xlsx_file.PARTS | {xlsx_file.SHEET: sheet}
    file = {name: part.encode() for name, part in parts.items()} | {xlsx_file.STYLES: xml}
    with CalamineWorkbook.from_filelike(io.BytesIO(stored(file))) as book:
        types = [type(row[0]) for row in book.get_sheet_by_index(0).iter_rows()]
    return _Styles(
        np.array([*(issubclass(type_, date) for type_ in types), False]),
        np.array([*(type_ is timedelta for type_ in types), False]),
        has_leap_day=_IN_1904.search(workbook) is None,
    )


def _unstyled(sheet: bytes, styles: _Styles) -> bytes:
    """Return a sheet with blanks in place of the style of each impossible number.

    It is searched a few rows at a time, which a cache holds.
    """
    import numpy as np

    text = np.frombuffer(sheet, np.uint8).copy()
    start = 0
    while start < len(sheet):
        end = sheet.find(_ROW_END, start + _PIECE_SIZE) + len(_ROW_END)
        end = end if end > start else len(sheet)
        _blank(text, _impossible(text, start, end, styles))
        start = end
    return text.tobytes()


def _impossible(text: Any, start: int, end: int, styles: _Styles) -> Any:
    """Return where impossible numbers between two places of a sheet have their styles."""
    import numpy as np

    piece = text[start:end]
    values = places(piece, b"v", b">") + 2
    attributes, indices = _styles_before(piece, values, len(styles.are_dates) - 1)
    values, attributes = values + start, attributes + start
    is_inside = values < len(text) - _NUMBER_SIZE - 1  # there are tags behind the last one
    is_date = styles.are_dates[indices] & is_inside
    values = np.where(is_inside, values, 0)
    is_impossible = is_date & (text[values] == ord("-"))
    if styles.has_leap_day:
        is_sixty = (text[values] == ord("6")) & (text[values + 1] == ord("0"))
        is_impossible |= is_date & is_sixty & are_among(text[values + 2], b".<")
    durations = np.flatnonzero(styles.are_durations[indices] & is_inside)
    is_impossible[durations] = _are_endless(text, values[durations])
    return attributes[is_impossible]


def _styles_before(text: Any, values: Any, count: int) -> tuple[Any, Any]:
    """Return where the cell of each value has its style, s="1", and the index in it, or else -1."""
    import numpy as np

    cells = places(text, b"c", _SPACES)
    before = text[cells - 1]
    is_plain = before == ord("<")
    cells = np.append(-1, cells[is_plain if is_plain.any() else before == ord(":")])
    attributes = places(text, b"s", b"=", b"\"'")
    attributes = np.append(-1, attributes[are_among(text[attributes - 1], _SPACES)])
    cells = cells[np.searchsorted(cells, values) - 1]
    attributes = attributes[np.searchsorted(attributes, values) - 1]
    quotes, indices = text[attributes + 2], np.zeros(len(values), np.int32)
    is_open, is_closed = attributes > cells, np.zeros(len(values), bool)
    for offset in range(3, 4 + _STYLE_DIGITS):
        characters = text[attributes + offset]
        is_closed |= is_open & (characters == quotes)
        digits = characters - ord("0")
        is_open &= digits < 10  # noqa: PLR2004 - unsigned: a smaller one is a large number
        indices = np.where(is_open, 10 * indices + digits, indices)
        if not is_open.any():
            break
    return attributes, np.where(is_closed & (indices < count), indices, -1)


def _are_endless(text: Any, values: Any) -> Any:
    """Return which numbers have more days than a timedelta; their places in a text are given.

    Nearly all show it by their digits; reading one takes as long as a search through many.
    """
    import numpy as np

    values = values + (text[values] == ord("-"))
    windows = np.lib.stride_tricks.sliding_window_view(text, _NUMBER_SIZE)[values].copy()
    ends = (windows == ord("<")).argmax(axis=1)
    windows[np.arange(_NUMBER_SIZE) >= ends[:, np.newaxis]] = 0
    is_digit = (windows - ord("0")) < 10  # noqa: PLR2004 - unsigned: a smaller one is a large number
    is_exponent = (windows == ord("e")) | (windows == ord("E"))
    has_exponent = is_exponent.any(axis=1)
    exponents = is_exponent.argmax(axis=1)
    rows, last = np.arange(len(values)), _NUMBER_SIZE - 1
    behind = [np.minimum(exponents + offset, last) for offset in (1, 2)]
    is_small = has_exponent & (windows[rows, behind[0]] == ord("-"))
    is_large = is_digit[rows, behind[0]] & is_digit[rows, behind[1]]  # of two digits
    lengths = is_digit.argmin(axis=1)  # of the digits before the point
    is_plain = is_digit[:, 0] & (windows[:, 0] != ord("0"))
    are_endless = is_plain & np.where(has_exponent, is_large, lengths > _MAX_DIGITS)
    is_sure = are_endless | ((lengths < _MAX_DIGITS) & (is_small | ~has_exponent))
    unsure = np.flatnonzero(~is_sure & (ends > 0))
    with suppress(ValueError):  # calamine has its own error for what is not a number
        numbers = windows[unsure].view(f"S{_NUMBER_SIZE}").ravel().astype(np.float64)
        are_endless[unsure] = np.abs(numbers) >= _MAX_DAYS
    return are_endless


def _blank(text: Any, attributes: Any) -> None:
    """Put blanks in place of the attributes that begin at these places of a text."""
    quotes = text[attributes + 2]
    for offset in range(4 + _STYLE_DIGITS):
        is_last = (text[attributes + offset] == quotes) & (offset > 2)  # noqa: PLR2004 - s="
        text[attributes + offset] = ord(" ")
        attributes, quotes = attributes[~is_last], quotes[~is_last]
