"""Inspect the bytes of a CSV or a TSV before they are parsed: encoding, records, width."""

from __future__ import annotations

import codecs
import csv
import io
import re
from itertools import islice
from typing import Literal

from ..errors import ErrorDetail, InvalidValue, RequestError, quoted
from .base import Options
from .decoded_size import DENSE_CELLS, MAX_COLUMNS, check_columns, max_memory, refuse_sparse

QUOTE_ALL: Literal[1] = csv.QUOTE_ALL
MAX_REPEATED = 100  # of the columns: fewer are named one by one in the error

# The order matters: UTF-32's byte order mark begins with that of UTF-16.
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_FALLBACK_ENCODING = "cp1251"
_CELL_SIZE = 28  # bytes of memory, as a separator takes
# Options with which the first two records need not be the header and the first row.
_LAYOUT = {
    *("header", "names", "index_col", "usecols", "skiprows", "skip_blank_lines", "comment"),
    *("quotechar", "quoting", "escapechar", "lineterminator", "dialect", "engine"),
}
_QUOTED = re.compile(rb'"[^"]*+"')
_BLANK_LINE = re.compile(rb"(?:\n|\r(?!\n))[ \t]*+[\r\n]")
_RECORD = re.compile(rb'[\r\n]*+((?:[^"\r\n]++|"[^"]*+(?:"|\Z))*+)')
# As pandas reads: a quote begins a quoted cell only at its start, blank lines come before a header.
_CELL = rb'(?:"(?:[^"]++|"")*+(?:"|\Z))?+[^%(sign)b\r\n]*+'
_HEADER = (
    rb"(?:\xef\xbb\xbf)?+(?:(?:(?!%(sign)b)[ \t])*+[\r\n]++)*+("
    + _CELL
    + rb"(?:%(sign)b"
    + _CELL
    + rb")*+)"
)
_NEXT_CELL = rb"%(sign)b(" + _CELL + rb")"
_QUOTED_CELL = rb'"(?:(?<=[%(sign)b\r\n]")|(?<=\A"))(?:[^"]++|"")*+(?:"|\Z)[^%(sign)b\r\n]*+'


def as_utf8(data: bytes, options: Options, name: str) -> tuple[bytes, Options]:
    """Return the text as UTF-8, and the options without their `encoding`."""
    encoding = options.get("encoding") or _encoding(data)
    if encoding == "utf-8":
        text = data
    else:
        try:
            text = data.decode(encoding, options.get("encoding_errors") or "strict").encode()
        except ValueError as error:
            raise RequestError(f"this {name} cannot be decoded as {encoding}: {error}") from None
    if b"\0" in text:
        raise RequestError(f"expected a {name}, got binary data; send text in UTF-8")
    return text, {key: value for key, value in options.items() if key != "encoding"}


def _encoding(data: bytes) -> str:
    for mark, encoding in _BYTE_ORDER_MARKS.items():
        if data.startswith(mark):
            return encoding
    if data.isascii():  # without a text in memory
        return "utf-8"
    try:
        data.decode()
    except UnicodeDecodeError:
        return _FALLBACK_ENCODING
    return "utf-8"


def check_width(text: bytes, separator: str, options: Options, name: str) -> None:
    """Refuse a header of very many columns, a first row that is longer, and many shorter rows.

    pandas would take minutes for the first, would take the second's first cells for an index, and
    would make all cells that the third leave out.
    """
    if len(separator) != 1:
        return
    header, end = bare_record(text, 0)
    columns = header.count(separator.encode()) + 1
    names = header.split(separator.encode())
    if b'"' in text[:end] or text[:1].isspace():
        names = _names(text, separator)
    check_columns(len(names))
    _check_filled(text, len(names), separator, options)
    if len(names) > MAX_REPEATED and _LAYOUT.isdisjoint(options):
        _check_repeated(names)
    width = bare_record(text, end)[0].count(separator.encode()) + 1
    if width > MAX_COLUMNS or (
        width > columns and _LAYOUT.isdisjoint(options) and _is_row_longer(text, separator)
    ):
        raise too_many_cells(text, name)


def _names(text: bytes, separator: str) -> list[bytes]:
    """Return the cells of a header that has quotes, not all of which begin a cell, or blank lines.

    Quotes stay.
    """
    sign = {b"sign": re.escape(separator.encode())}
    header = re.match(_HEADER % sign, text)
    return re.findall(_NEXT_CELL % sign, separator.encode() + header[1]) if header else []


def _check_filled(text: bytes, columns: int, separator: str, options: Options) -> None:
    """Refuse rows that leave out so many cells that a few bytes would become a huge table."""
    if len(text) * columns <= DENSE_CELLS:  # a row takes a byte
        return
    most = min(len(text), max_memory(options) // _CELL_SIZE)
    rows = _line_breaks(text)
    if rows * columns > most and b'"' in text:
        sign = re.escape(separator.encode())
        rows = _line_breaks(re.sub(_QUOTED_CELL % {b"sign": sign}, b"", text))
    refuse_sparse(rows, columns, most)


def _line_breaks(text: bytes) -> int:
    if b"\r" not in text:
        return text.count(b"\n")
    return text.count(b"\n") + text.count(b"\r") - text.count(b"\r\n")


def _check_repeated(names: list[bytes]) -> None:
    """Refuse a header that repeats names: pandas looks for a free name for each, one by one."""
    named = [name for name in names if name]  # pandas numbers the others
    if len(named) - len(set(named)) > MAX_REPEATED:
        raise InvalidValue("expected unique column names; rename the duplicates")


def check_blank_lines(text: bytes, separator: str, options: Options) -> None:
    """Refuse a blank line between the rows of a single column: pandas would leave out a row."""
    header, end = bare_record(text, 0)
    if separator.encode() in header or not _LAYOUT.isdisjoint(options):
        return
    if not _BLANK_LINE.search(text, end):
        return
    lines = _QUOTED.sub(b'""', text[end:]).rstrip().splitlines()
    for row, line in enumerate(lines[1:]):  # the first one ends the header
        if not line.strip():
            hint = 'write "" for a null'
            raise InvalidValue(
                f"row {row} is a blank line; {hint}",
                [ErrorDetail(f"expected a value, got a blank line; {hint}", row=row)],
            )


def _is_row_longer(text: bytes, separator: str) -> bool:
    """Return whether the first row has more cells than the header; a quote may be inside a cell."""
    lines = io.TextIOWrapper(io.BytesIO(text), "utf-8", newline="")
    try:
        header, row = islice(filter(None, csv.reader(lines, delimiter=separator)), 2)
    except (csv.Error, ValueError):  # of a huge cell, or without a row
        return False
    return len(row) > len(header)


def too_many_cells(text: bytes, name: str) -> RequestError:
    """Return the error for rows that are longer than the header, such as a title above a table."""
    record = _RECORD.match(text)
    header = record[1].decode(errors="replace").lstrip("\ufeff") if record else ""
    return RequestError(
        f"this {name} has rows of more cells than its header, taken to be {quoted(header)}; "
        f"remove lines above the header"
    )


def bare_record(text: bytes, start: int) -> tuple[bytes, int]:
    """Return the next record without quoted text, and its end."""
    record = _RECORD.match(text, start)
    if record is None:
        return b"", len(text)
    return _QUOTED.sub(b"", record[1]), record.end()
