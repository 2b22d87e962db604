"""What the bytes of a CSV or a TSV tell before they are read: encoding, separator, width."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterable
from typing import Literal

from ..errors import RequestError
from .base import MAX_COLUMNS, Options

QUOTE_ALL: Literal[1] = csv.QUOTE_ALL

# The order matters: the mark of UTF-16 is the beginning of that of UTF-32.
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NOT_UTF8 = "cp1251"
_QUOTED = re.compile(rb'"[^"]*+"')
_RECORD = re.compile(rb'[\r\n]*+((?:[^"\r\n]++|"[^"]*+(?:"|\Z))*+)')
_DECIMAL_COMMA = re.compile(
    rb'(?:^|;)"?[+-]?\d*,\d+(?:[eE][+-]?\d+)?"?(?=[;\r\n]|\Z)', re.MULTILINE
)


def as_utf8(data: bytes, options: Options, name: str) -> tuple[bytes, Options]:
    """Return the text as UTF-8, and the options without their `encoding`."""
    encoding = options.get("encoding") or _encoding(data)
    if encoding == "utf-8":
        text = data
    else:
        try:
            text = data.decode(encoding, options.get("encoding_errors") or "strict").encode()
        except ValueError as error:
            raise RequestError(f"this {name} is not text in {encoding}: {error}") from None
    if b"\0" in text:
        raise RequestError(f"this is no {name}: it is not text, or not in UTF-8")
    return text, {key: one for key, one in options.items() if key != "encoding"}


def _encoding(data: bytes) -> str:
    for mark, encoding in _MARKS.items():
        if data.startswith(mark):
            return encoding
    try:
        data.decode()
    except UnicodeDecodeError:
        return _NOT_UTF8
    return "utf-8"


def has_semicolons(text: bytes) -> bool:
    """Tell whether the header has more semicolons than commas, outside of quotes."""
    header = _bare_record(text, 0)[0]
    return header.count(b";") > header.count(b",")


def has_decimal_commas(text: bytes) -> bool:
    """Tell whether a whole cell between semicolons is a number with a comma."""
    return _DECIMAL_COMMA.search(text) is not None


def has_any(text: bytes, words: Iterable[str]) -> bool:
    """Tell whether one of the words is anywhere in the text."""
    return any(word.encode() in text for word in words)


def check_width(text: bytes, separator: str, name: str) -> None:
    """Refuse a header of very many columns, and a first row that is longer than its header.

    pandas would take minutes for the one, and the other's first cells for labels of rows.
    """
    if len(separator) != 1:
        return
    header, end = _bare_record(text, 0)
    columns = header.count(separator.encode()) + 1
    if columns > MAX_COLUMNS:
        raise RequestError(f"this {name} has {columns:,} columns; {MAX_COLUMNS:,} can be read")
    if _bare_record(text, end)[0].count(separator.encode()) >= MAX_COLUMNS:
        raise too_many_cells(name)


def too_many_cells(name: str) -> RequestError:
    """Return the error for rows that are longer than the header."""
    return RequestError(f"this {name}'s rows have more cells than its header")


def _bare_record(text: bytes, start: int) -> tuple[bytes, int]:
    """Return the next record without what is in quotes, and where it ends."""
    found = _RECORD.match(text, start)
    if found is None:
        return b"", len(text)
    return _QUOTED.sub(b"", found[1]), found.end()
