"""The parts that workbook codecs share: choosing a sheet, and errors of damaged files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime, time
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, cast

from ..errors import ErrorDetail, InvalidValue, RequestError, listed, max_errors
from ..settings import Settings
from .base import Options
from .byte_search import count_pairs
from .decoded_size import too_many_changes
from .formats import Format
from .sheet_rows import column_names, table_of
from .zipped import CheckContent, sanitized_parts, stored, stored_parts

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
LEAP_DAY = 60  # 29 February 1900, which Excel counts in the first of its two calendars
_MAY_BE_IMPOSSIBLE = re.compile(rb"v>(?:-|60[.<])")
_MAX_DAYS = 999_999_999  # of a timedelta
_MAX_CHANGED = 500_000
"""Cells that are written anew before a sheet is read; each takes the memory of twenty."""
_STYLES = "xl/styles.xml"
_MOMENTS = {date, datetime, time}
_NAME = rb"<(?:[\w.-]{1,50}:)?+"
_SOME = rb"[^<>]{0,200}"  # attributes; without a bound, many of them would take forever
_TO_VALUE = (  # over a formula, the cell's own or one that cells share
    _SOME + rb"+>(?:" + _NAME + rb"f(?=[\s>/])[^<>]*+>(?:[^<]*+</[^<>]*+>)?+)?+" + _NAME + rb"v>"
)
_ERROR = re.compile(
    rb"(" + _NAME + rb"c\s" + _SOME + rb"""?\bt=["']e["']""" + _TO_VALUE + rb")[^<]*+"
)
_STYLED = re.compile(
    rb"(" + _NAME + rb"c\s" + _SOME + rb"""?\b)s=["'][0-9]+["'](""" + _TO_VALUE
    + rb")(-?+(?:[0-9]{9}|[^<eE]*+[eE])[^<]*+)"
)  # fmt: skip
_FORMULA_CELL = re.compile(
    rb"(" + _NAME + rb")c(\s" + _SOME + rb"+)>" + _NAME + rb"f(?:\s[^<>]*+|/)?+"
    rb"(?:(?<=/)>|(?<!/)>[^<]*+</[^<>]*+>)"
    rb"(?:" + _NAME + rb"v(?:\s[^<>]*+|/)?+(?:(?<=/)>|(?<!/)>\s*+</[^<>]*+>))?+(?=</)"
)  # fmt: skip
"""A formula without a value."""
_CELL_TYPE = re.compile(rb"""\st\s*=\s*["'](\w+)["']""")
UNKNOWN = "\ue000a formula without a stored value"
"""What takes the place of the value, which no program has computed yet."""


def read_zipped(
    data: bytes, options: Options, suffix: str, check_content: CheckContent | None = None
) -> pd.DataFrame:
    """Read a sheet of an .xlsx or .ods, its first row the header, by calamine.

    Options are those of `pandas.read_excel`; they override the defaults here. `check_content` is
    that of `sanitized_parts`.
    """

    def parse() -> pd.DataFrame:
        max_size = options.get("max_decompressed", Settings.max_decompressed)
        parts = sanitized_parts(data, max_size, check_content)
        rows, has_unknown = _exact_rows(stored(_changed(parts, _with_unknown)), options)
        table = table_of(rows, options)
        return _without_unknown(table, options) if has_unknown else table

    return cast("pd.DataFrame", translate_errors(parse, suffix, data))


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

    return _substitute(_STYLED, replace, _substitute(_ERROR, rb"\1#N/A", part))


def _substitute(
    pattern: re.Pattern[bytes], new: bytes | Callable[[re.Match[bytes]], bytes], part: bytes
) -> bytes:
    """Return a sheet with cells changed; BodyTooLarge if there are very many such cells."""
    part, count = pattern.subn(new, part, _MAX_CHANGED + 1)
    if count > _MAX_CHANGED:
        raise too_many_changes(_MAX_CHANGED)
    return part


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


def _with_unknown(part: bytes) -> bytes:
    """Return a sheet with `UNKNOWN` in formulas without a value; an empty text is one."""

    def replace(cell: re.Match[bytes]) -> bytes:
        prefix, attributes = cell[1], cell[2]
        kind = _CELL_TYPE.search(attributes)
        if kind and kind[1] in {b"str", b"e"}:
            return cell[0]
        attributes = _CELL_TYPE.sub(b"", attributes)
        value = prefix + b"v>" + UNKNOWN.encode() + prefix.replace(b"<", b"</") + b"v>"
        return prefix + b"c" + attributes + b' t="str">' + value

    has_formulas = b"sheetData" in part and count_pairs(part, b"<:", b"f")
    return _substitute(_FORMULA_CELL, replace, part) if has_formulas else part


def _without_unknown(table: pd.DataFrame, options: Options) -> pd.DataFrame:
    """Return a table without formulas of unknown value; InvalidValue lists those of its columns."""
    declared = options.get("types")
    unknown = (
        ErrorDetail("expected a value, got a formula without one", row=row, column=str(name))
        for index, name in enumerate(table.columns)
        if declared is None or name in declared
        for row in (table.iloc[:, index] == UNKNOWN).to_numpy().nonzero()[0].tolist()
    )
    errors = list(islice(unknown, max_errors.get()))
    if errors or UNKNOWN in table.columns:
        raise InvalidValue(
            "expected the values of formulas, which the program that wrote this workbook has not "
            "computed; open it in Excel or LibreOffice and save it",
            errors,
        )
    return table


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
