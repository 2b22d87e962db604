"""The parts that workbook codecs share: choosing a sheet, and errors of damaged files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import time
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError
from ..settings import Settings
from .base import Options
from .formats import Format
from .sheet_rows import column_names, table_of
from .zipped import CheckContent, sanitized_parts, stored

if TYPE_CHECKING:
    import pandas as pd

WORKBOOKS = frozenset({Format.XLSX, Format.XLS, Format.ODS})
"""Formats that have sheets."""
OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of an .xls, and of any other workbook with a password."""
_ZIP = b"PK\3\4"
WORKBOOK_STARTS = (OLE2, _ZIP)
"""The first bytes of any workbook, and of other files."""
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_TEXT_START = 1_000
_ODS_START = 150  # bytes, within which an .ods has its media type
_MAX_DAYS = 999_999_999  # of a timedelta
_NAME = rb"<(?:[\w.-]{1,50}:)?+"
_SOME = rb"[^<>]{0,200}"  # attributes; without a bound, many of them would take forever
_TO_VALUE = (  # over a formula, the cell's own or one that cells share
    _SOME + rb"+>(?:" + _NAME + rb"f(?=[\s>/])[^<>]*+>(?:[^<]*+</[^<>]*+>)?+)?+" + _NAME + rb"v>"
)
_ERROR = re.compile(
    rb"(" + _NAME + rb"c\s" + _SOME + rb"""?\bt=["']e["']""" + _TO_VALUE + rb")[^<]*+"
)
_STYLED = re.compile(
    rb"(" + _NAME + rb"c\s" + _SOME + rb"""?\b)s=["'][0-9]+["'](""" + _TO_VALUE + rb")([^<]*+)"
)


def read_zipped(
    data: bytes, options: Options, suffix: str, check_content: CheckContent | None = None
) -> pd.DataFrame:
    """Read a sheet of an .xlsx or .ods, its first row the header, by calamine.

    Options are those of `pandas.read_excel`; they override the defaults here. `check_content` is
    that of `sanitized_parts`.
    """

    def load() -> dict[str, bytes]:
        max_size = options.get("max_decompressed", Settings.max_decompressed)
        return sanitized_parts(data, max_size, check_content)

    def parse() -> pd.DataFrame:
        return table_of(_exact_rows(load, options), options)

    return cast("pd.DataFrame", translate_errors(parse, suffix, data))


def _exact_rows(load: Callable[[], dict[str, bytes]], options: Options) -> list[list[Any]]:
    """Return the cells of a sheet, an impossible date or duration as the number that is stored.

    calamine knows only the errors of Excel 2007, has no duration of millions of years, and reads a
    date before Excel's first one as midnight. `load` is called again for such a file, instead of
    keeping its parts.
    """
    from python_calamine import CalamineError

    file = stored(load())
    try:
        rows = _rows(file, options)
    except (CalamineError, OverflowError):
        file = stored(_changed(load(), _repaired))
        rows = _rows(file, options)
    if b"v>-" in file and time in set(map(type, chain.from_iterable(rows))):
        file = stored(_changed(load(), lambda part: _without_style(_repaired(part), _is_negative)))
        for row, exact_row in zip(rows, _rows(file, options), strict=True):
            for index, cell in enumerate(row):
                if type(cell) is time:
                    row[index] = exact_row[index]
    return rows


def sheet_and_header(data: bytes, options: Options) -> tuple[str, Sequence[str]]:
    """Return the name of the sheet of an .xlsx that these options choose, and its columns."""

    def parse() -> tuple[str, Sequence[str]]:
        parts = sanitized_parts(data, options.get("max_decompressed", Settings.max_decompressed))
        with _open(stored(_changed(parts, _repaired)), options) as sheet:
            rows = sheet.to_python(skip_empty_area=False, nrows=1)
            return sheet.name, column_names(rows[0] if rows else ())

    return cast("tuple[str, Sequence[str]]", translate_errors(parse, ".xlsx", data))


def _rows(file: bytes, options: Options) -> list[list[Any]]:
    with _open(file, options) as sheet:
        rows: list[list[Any]] = sheet.to_python(skip_empty_area=False)
        return rows


@contextmanager
def _open(file: bytes, options: Options) -> Iterator[Any]:
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    with CalamineWorkbook.from_filelike(io.BytesIO(file)) as book:
        shown = [
            sheet.name
            for sheet in book.sheets_metadata
            if sheet.typ == SheetTypeEnum.WorkSheet and sheet.visible == SheetVisibleEnum.Visible
        ]
        key = select_sheet(options, book.sheet_names, shown)
        get = book.get_sheet_by_index if isinstance(key, int) else book.get_sheet_by_name
        yield get(key)


def _changed(parts: dict[str, bytes], change: Callable[[bytes], bytes]) -> dict[str, bytes]:
    return {name: change(part) for name, part in parts.items()}


def _repaired(part: bytes) -> bytes:
    """Return a sheet whose errors and durations calamine knows."""
    return _without_style(_ERROR.sub(rb"\1#N/A", part), _is_endless)


def _without_style(part: bytes, is_impossible: Callable[[float], bool]) -> bytes:
    """Return a sheet in which such numbers are shown as they are stored, not as dates."""

    def replace(cell: re.Match[bytes]) -> bytes:
        with suppress(ValueError):
            if is_impossible(float(cell[3])):
                return cell[1] + cell[2] + cell[3]
        return cell[0]

    return _STYLED.sub(replace, part)


def _is_endless(days: float) -> bool:
    return abs(days) >= _MAX_DAYS


def _is_negative(days: float) -> bool:
    return days < 0


def select_sheet(options: Options, names: list[Any], shown: list[Any]) -> Any:
    """Return the name or the index of the sheet to read.

    The option `sheet`, the client's choice, is a name, or else an index from 0; without it the
    option `sheet_name`, the author's, counts, and then the first sheet of cells that is `shown`.
    InvalidValue lists the names if there is no such sheet.
    """
    key = options.get("sheet", options.get("sheet_name"))
    if key is None:
        return next(iter(shown), 0)
    if key in names or not isinstance(key, str | int):
        return key
    if str(key).isdecimal() and int(key) < len(names):
        return int(key)
    raise InvalidValue(f"sheet {key!r} not found; this workbook has: {', '.join(map(str, names))}")


def workbook_format(data: bytes) -> Format | None:
    """Return the format of a workbook, whatever it is called; None if it is none."""
    if data.startswith(OLE2):
        return None if _ENCRYPTED in data else Format.XLS
    if not data.startswith(_ZIP):
        return None
    is_ods = b"mimetype" + Format.ODS.media_type.encode() in data[:_ODS_START]
    return Format.ODS if is_ods else Format.XLSX


def translate_errors(parse: Callable[[], Any], suffix: str, data: bytes) -> Any:
    """Return the result of `parse`; RequestError for any error that a damaged workbook raises."""
    try:
        return parse()
    except (MemoryError, RequestError):
        raise
    except Exception:  # noqa: BLE001 - damaged workbooks make readers raise nearly anything
        raise unreadable(suffix, data) from None
    except BaseException as error:
        if type(error).__name__ != "PanicException":  # Rust's panics are not Exceptions
            raise
        raise unreadable(suffix, data) from None


def unreadable(suffix: str, data: bytes) -> RequestError:
    """Return the error for a damaged workbook, or for another file."""
    content = _content(data, suffix)
    return RequestError(f"expected an {suffix} workbook, got {content}; save it as {suffix}")


def _content(data: bytes, suffix: str) -> str:
    """Say what a file is that is not the expected workbook."""
    format = workbook_format(data)
    if format in {Format.XLS, Format.ODS} and suffix != f".{format.extension}":
        return f"an .{format.extension} workbook"
    if format is Format.XLSX and b"xl/workbook.bin" in data:
        return "an .xlsb workbook"
    if data.startswith(OLE2) and format is None:
        return "a workbook with a password"
    start = data[:_TEXT_START].decode(errors="replace").lstrip("\ufeff \t\r\n")
    if start.startswith("<"):
        return "HTML or XML"
    is_text = start and format is None and "\ufffd" not in start[:-1] and "\0" not in start
    return "text, such as CSV" if is_text else "a file that cannot be read as one"
