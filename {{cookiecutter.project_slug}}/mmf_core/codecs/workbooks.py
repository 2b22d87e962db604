"""The parts that workbook codecs share: choosing a sheet, and errors of damaged files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, time
from itertools import chain
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError, listed
from ..settings import Settings
from .base import Options
from .formats import Format
from .sheet_formulas import NAME, SOME, UNKNOWN, substitute, with_unknown, without_unknown
from .sheet_rows import column_names, may_be_numbers, table_of, table_of_numbers
from .zipped import CheckContent, sanitized_parts, stored, stored_parts

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

CutNumbers = Callable[[bytes], "tuple[bytes, np.ndarray[Any, Any]] | None"]

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
LEAP_DAY = 60  # 29 February 1900, which Excel counts in the first of its two calendars
_MAY_BE_IMPOSSIBLE = re.compile(rb"v>(?:-|60[.<])")
_EMPTY_SHEET = re.compile(rb"<sheetData(?: ?/>|></sheetData>)")
_MAX_DAYS = 999_999_999  # of a timedelta
_STYLES = "xl/styles.xml"
_MOMENTS = {date, datetime, time}
_TO_VALUE = (  # over a formula, the cell's own or one that cells share
    SOME + rb"+>(?:" + NAME + rb"f(?=[\s>/])[^<>]*+>(?:[^<]*+</[^<>]*+>)?+)?+" + NAME + rb"v>"
)
_ERROR = re.compile(
    rb"(" + NAME + rb"c\s" + SOME + rb"""?\bt=["']e["']""" + _TO_VALUE + rb")[^<]*+"
)
_STYLED = re.compile(
    rb"(" + NAME + rb"c\s" + SOME + rb"""?\b)s=["'][0-9]+["'](""" + _TO_VALUE
    + rb")(-?+(?:[0-9]{9}|[^<eE]*+[eE])[^<]*+)"
)  # fmt: skip


def read_zipped(
    data: bytes,
    options: Options,
    suffix: str,
    cut_numbers: CutNumbers,
    check_content: CheckContent | None = None,
) -> pd.DataFrame:
    """Read a sheet of an .xlsx or .ods, its first row the header, by calamine.

    Options are those of `pandas.read_excel`; they override the defaults here. `cut_numbers` returns
    the numbers of a sheet that has nothing else but a header, and a sheet with one row of them.
    `check_content` is that of `sanitized_parts`.
    """
    blocks: list[np.ndarray[Any, Any]] = []

    def cut(part: bytes) -> bytes:
        part, *block = cut_numbers(part) or (part,)
        blocks.extend(block)
        return part

    def load(cut: Callable[[bytes], bytes] | None = None) -> bytes:
        max_size = options.get("max_decompressed", Settings.max_decompressed)
        parts = sanitized_parts(data, max_size, check_content, cut)
        return stored(
            {
                name: with_unknown(part) if b"sheetData" in part else part
                for name, part in parts.items()
            }
        )

    def parse() -> pd.DataFrame:
        file = load(cut if may_be_numbers(options) else None)
        if blocks:
            table = _table_of_numbers(file, blocks, options)
            if table is not None:
                return table
            file = load()
        rows, has_unknown = _exact_rows(file, options)
        table = table_of(rows, options)
        return without_unknown(table, options) if has_unknown else table

    return cast("pd.DataFrame", translate_errors(parse, suffix, data))


def _table_of_numbers(
    file: bytes, blocks: list[np.ndarray[Any, Any]], options: Options
) -> pd.DataFrame | None:
    """Return the table of a workbook, of one sheet of which only the first row of numbers is left.

    None if it may be another sheet that the options choose, or if a number is shown as a date.
    """
    from python_calamine import CalamineError

    used = _EMPTY_SHEET.sub(b"", file).count(b"sheetData")
    if len(blocks) > 1 or used > 2 or UNKNOWN.encode() in file:  # noqa: PLR2004 - both its tags
        return None
    try:
        rows = _rows(file, options)
    except (CalamineError, OverflowError):
        return None
    header, *row = rows or [[]]
    is_plain = [list(map(type, cells)) for cells in row] == [[float] * blocks[0].shape[1]]
    if not is_plain or _has_doubtful(rows):
        return None
    return table_of_numbers(header, blocks[0], options)


def _exact_rows(file: bytes, options: Options) -> tuple[list[list[Any]], bool]:
    """Return the cells of a sheet, and whether there may be formulas without a value.

    An impossible date or duration is the number that is stored. calamine knows only the errors of
    Excel 2007, has no duration of millions of years, and reads a date before Excel's first one as
    midnight, and 29 February 1900, which only Excel has, as the day before.
    """
    from python_calamine import CalamineError

    try:
        rows = _rows(file, options)
    except (CalamineError, OverflowError):
        file = stored(_changed(stored_parts(file), _repaired))
        rows = _rows(file, options)
    may_be_impossible, has_unknown = _MAY_BE_IMPOSSIBLE.search(file), UNKNOWN.encode() in file
    if may_be_impossible and _has_doubtful(rows):
        file = _without_styles(file)
        _restore_numbers(rows, _rows(file, options))
    return rows, has_unknown


def _without_styles(file: bytes) -> bytes:
    """Return a workbook in which a date is its number."""
    return stored({name: part for name, part in stored_parts(file).items() if name != _STYLES})


def _restore_numbers(rows: list[list[Any]], numbers: list[list[Any]]) -> None:
    """Put the number in the place of what calamine made of one that is no date."""
    for row, exact_row in zip(rows, numbers, strict=True):
        for index, number in enumerate(exact_row):
            if type(number) is float and _is_no_date(number) and _is_doubtful(row[index]):
                row[index] = number


def sheet_and_header(data: bytes, options: Options) -> tuple[str, Sequence[str]]:
    """Return the name of the sheet of an .xlsx that these options choose, and its columns."""

    def parse() -> tuple[str, Sequence[str]]:
        parts = sanitized_parts(data, options.get("max_decompressed", Settings.max_decompressed))
        with _open(stored(_changed(parts, _repaired)), options) as sheet:
            header_row = options.get("header_row", 1)
            rows = sheet.to_python(skip_empty_area=False, nrows=header_row)
            return sheet.name, column_names(rows[-1] if len(rows) == header_row else ())

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
    """Return a sheet whose errors and durations calamine knows.

    A duration of more days than Python's is shown as the number that is stored.
    """

    def replace(cell: re.Match[bytes]) -> bytes:
        with suppress(ValueError):
            if abs(float(cell[3])) >= _MAX_DAYS:
                return cell[1] + cell[2] + cell[3]
        return cell[0]

    return substitute(_STYLED, replace, substitute(_ERROR, rb"\1#N/A", part))


def _is_no_date(days: float) -> bool:
    return days < 0 or LEAP_DAY <= days < LEAP_DAY + 1


def _has_doubtful(rows: list[list[Any]]) -> bool:
    columns = zip(*rows, strict=True)  # a look at each cell of the others would take long
    moments = (column for column in columns if not _MOMENTS.isdisjoint(map(type, column)))
    return any(map(_is_doubtful, chain.from_iterable(moments)))


def _is_doubtful(cell: Any) -> bool:
    """Return whether it may be what calamine made of a number that is no date."""
    kind = type(cell)
    return kind is time or (
        kind in _MOMENTS and cell.year == 1900 and (cell.month, cell.day) == (2, 28)  # noqa: PLR2004
    )


def select_sheet(options: Options, names: list[Any], shown: list[Any]) -> Any:
    """Return the name or the index of the sheet to read.

    The option `sheet`, the client's choice, is a name, or else an index from 0; without it the
    option `sheet_name`, the author's, counts, and then the first sheet of cells that is `shown`.
    InvalidValue lists the names if there is no such sheet. The option `report_sheets` is called
    with what is `shown`.
    """
    if report := options.get("report_sheets"):
        report(shown)
    key = options.get("sheet", options.get("sheet_name"))
    if key is None:
        return next(iter(shown), 0)
    if key in names or not isinstance(key, str | int):
        return key
    if str(key).isdecimal() and int(key) < len(names):
        return int(key)
    raise InvalidValue(f"sheet {key!r} not found; this workbook has: {listed(names)}")


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
