"""The parts that workbook codecs share: choosing a sheet, and errors of damaged files."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from ..errors import InvalidValue, RequestError, listed
from ..settings import Settings
from .base import Options
from .formats import Format
from .impossible_dates import MAY_BE_IMPOSSIBLE, without_impossible
from .sheet_formulas import TO_VALUE, UNKNOWN, substitute, with_unknown, without_unknown
from .sheet_rows import column_names, may_be_numbers, table_of, table_of_numbers
from .zipped import CheckContent, sanitized_parts, stored

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
_EMPTY_SHEET = re.compile(rb"<sheetData(?: ?/>|></sheetData>)")
_KNOWN = rb"#(?:N/A|NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!)<"
_ERROR = re.compile(rb"""(t=["']e["']""" + TO_VALUE + rb")(?!" + _KNOWN + rb")[^<]*+")


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
        return _readable(sanitized_parts(data, max_size, check_content, cut))

    def parse() -> pd.DataFrame:
        file = load(cut if may_be_numbers(options) else None)
        if blocks:
            table = _table_of_numbers(file, blocks, options)
            if table is not None:
                return table
            file = load()
        table = table_of(_rows(file, options), options)
        return without_unknown(table, options) if UNKNOWN.encode() in file else table

    return cast("pd.DataFrame", translate_errors(parse, suffix, data))


def _table_of_numbers(
    file: bytes, blocks: list[np.ndarray[Any, Any]], options: Options
) -> pd.DataFrame | None:
    """Return the table of a workbook, of one sheet of which only the first row of numbers is left.

    None if it may be another sheet that the options choose, or if a number is shown as a date.
    """
    used = _EMPTY_SHEET.sub(b"", file).count(b"sheetData")
    if len(blocks) > 1 or used > 2 or UNKNOWN.encode() in file:  # noqa: PLR2004 - both its tags
        return None
    header, *row = _rows(file, options) or [[]]
    is_plain = [list(map(type, cells)) for cells in row] == [[float] * blocks[0].shape[1]]
    return table_of_numbers(header, blocks[0], options) if is_plain else None


def sheet_and_header(data: bytes, options: Options) -> tuple[str, Sequence[str]]:
    """Return the name of the sheet of an .xlsx that these options choose, and its columns."""

    def parse() -> tuple[str, Sequence[str]]:
        parts = sanitized_parts(data, options.get("max_decompressed", Settings.max_decompressed))
        with _open(_readable(parts), options) as sheet:
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


def _readable(parts: dict[str, bytes]) -> bytes:
    """Return a workbook of these parts that calamine reads without changing a value."""
    parts = {
        name: _with_known_errors(with_unknown(part)) if b"sheetData" in part else part
        for name, part in parts.items()
    }
    if any(b"sheetData" in part and MAY_BE_IMPOSSIBLE.search(part) for part in parts.values()):
        parts = without_impossible(parts)
    return stored(parts)


def _with_known_errors(sheet: bytes) -> bytes:
    """Return a sheet without errors that Excel 2007 did not have: calamine knows no others."""
    has_errors = b't="e"' in sheet or b"t='e'" in sheet
    return substitute(_ERROR, rb"\1#N/A", sheet) if has_errors else sheet


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
