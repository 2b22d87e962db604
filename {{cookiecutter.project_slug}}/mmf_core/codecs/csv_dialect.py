"""The dialect of separated text: the characters between its cells and inside its numbers."""

from __future__ import annotations

import re

from .csv_text import bare_record
from .number_format import NumberFormat

SEPARATORS = "\t|;,"
"""Those that are recognised in a CSV, the one that is rarest inside cells first."""

_MAX_ROWS = 100_000
# Excel writes this line, and takes it for no part of the table.
_SEPARATOR_LINE = re.compile(rb'(?:\xef\xbb\xbf)?+"?sep=([\t !#-/:-@\[-`{-~])"?(?:\r\n|\r|\n|\Z)')

# Possessive quantifiers, and starts after a separator only: a text of any bytes is read once.
_CELL = rb'[;\r\n][ \t]*+"?+[ \t]*+[+-]?+(?:%b)[ \t]*+"?+(?=[;\r\n]|\Z)'
_NUMBER = (
    rb"(?P<%(name)b>(?!%(ambiguous)b)"
    rb"[0-9%(thousands)b]*+%(decimal)b[0-9]++(?:[eE][+-]?+[0-9]++)?+)"
)
_THREE_DIGITS = rb"[1-9][0-9]{0,2}%b[0-9]{3}(?![0-9eE])"  # 1,234: also a thousand
_LONG_TEXT = re.compile(rb'"(?<=[;\r\n]")(?:[^";\r\n]|"")*+[;\r\n](?:[^"]|"")*+"')


def _number(name: bytes, decimal: bytes, thousands: bytes) -> bytes:
    ambiguous = _THREE_DIGITS % decimal
    return _NUMBER % {
        b"name": name,
        b"decimal": decimal,
        b"thousands": thousands,
        b"ambiguous": ambiguous,
    }


def _cells(*numbers: bytes) -> re.Pattern[bytes]:
    return re.compile(_CELL % b"|".join(numbers))


_COMMA, _POINT = _number(b"comma", rb",", rb"."), _number(b"point", rb"\.", rb",")
_COMMAS, _COMMAS_OR_POINTS = _cells(_COMMA), _cells(_COMMA, _POINT)
_ANY_SIGN = _cells(_COMMA, _POINT, _THREE_DIGITS % b",")


def split_separator_line(text: bytes) -> tuple[str | None, bytes]:
    """Return the separator that a first line `sep=;` declares, if any, and the text below it."""
    line = _SEPARATOR_LINE.match(text)
    return (line[1].decode(), text[line.end() :]) if line else (None, text)


def separator(text: bytes) -> str:
    """Return the separator of a CSV, outside of quotes.

    The header has it. If the header has several, it is the one with which the most of the first
    `_MAX_ROWS` rows have as many cells as the header. Tabs and bars may be part of the only
    column's name.
    """
    header, end = bare_record(text, 0)
    present = [sign for sign in SEPARATORS if sign.encode() in header]
    if not {";", ","} & {*present}:
        present.append(",")
    if len(present) == 1:
        return present[0]
    widths = {sign: header.count(sign.encode()) for sign in present}
    fitting = dict.fromkeys(present, 0)
    for _ in range(_MAX_ROWS):
        if end >= len(text):
            break
        row, end = bare_record(text, end)
        for sign, width in widths.items() if row else ():
            fitting[sign] += row.count(sign.encode()) == width
    return max(present, key=fitting.__getitem__)


def number_format(text: bytes, thousands: str = "") -> NumberFormat:
    """Return the number format of a text with semicolons; the thousands sign is the author's.

    The decimal sign is a comma if a number has one that cannot be a thousands sign, such as 1,5 or
    0,125; else a point if a number has such a point. If none has, it is guessed: a comma if there
    are numbers like 1,234.
    """
    if thousands in {",", "."}:
        return NumberFormat("." if thousands == "," else ",", thousands)
    _, end = bare_record(text, 0)
    if text.find(b",", end) < 0 and text.find(b".", end) < 0:
        return NumberFormat(".", thousands)
    rows = _LONG_TEXT.sub(b"", text[end:]) if b'"' in text else text[end:]
    first = cell = _ANY_SIGN.search(rows)  # the text is searched once, in pieces
    if cell and not cell.lastgroup:
        cell = _COMMAS_OR_POINTS.search(rows, cell.end())
    if cell and cell.lastgroup == "point":
        cell = _COMMAS.search(rows, cell.end()) or cell
    if cell:
        return NumberFormat("," if cell.lastgroup == "comma" else ".", thousands)
    return NumberFormat("," if first else ".", thousands, is_proven=False)
