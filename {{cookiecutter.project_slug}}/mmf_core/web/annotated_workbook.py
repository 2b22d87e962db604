"""A refused table sent back as a workbook with its wrong cells marked: `?errors=xlsx`."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from flask import Response, after_this_request, g, request

from ..codecs import Format, Kind
from ..codecs.cell_text import NOT_XML
from ..codecs.table_xlsx import TableXLSX
from ..codecs.workbooks import guarded, sheet_of
from ..codecs.zipped import inflates_to_more
from ..descriptors import Descriptor
from ..errors import ErrorDetail, InvalidValue, RequestError, max_errors
from ..target import ERRORS_QUERY as QUERY
from ..target import Target
from .http.arguments import of_body, of_file
from .http.bodies import FORMS
from .http.codec_options import max_decompressed
from .http.request_parts import Bytes

CHOICES = ("json", "xlsx")
MAX_ANNOTATED = 1_000
_SHEET = "errors"
_COLOUR = "FFC7CE"  # Excel's own for bad values
_AUTHOR = "the service"


def check_query(target: Target) -> None:
    """Refuse an `errors=` that is not possible: InvalidValue says what is."""
    asked = request.args.get(QUERY, CHOICES[0]) if request.query_string else CHOICES[0]
    if asked not in CHOICES:
        hint = f"errors={asked} is not possible; ask for {' or '.join(CHOICES)}"
        raise InvalidValue(hint, [ErrorDetail("ask for json or xlsx", where=QUERY)])
    if asked == "xlsx":
        g.mmf_marking = target
        token = max_errors.set(MAX_ANNOTATED)

        @after_this_request
        def forget(answer: Response) -> Response:
            max_errors.reset(token)
            return answer


def marked(error: InvalidValue) -> Response | None:
    """Return the table as a workbook: wrong cells coloured and commented, all faults in a sheet.

    A workbook stays as it was sent; any other table becomes one. None where nobody asked for it,
    or there is no such table, or it inflates to more than half of what a body may have.
    """
    target: Target | None = g.get("mmf_marking")
    if target is None or (name := _argument(target, error)) is None:
        return None
    try:
        body = _marked(target.arguments[name], _sent(target, name), error)
    except (RequestError, ValueError):  # it cannot be read, or no sheet can hold it
        return None
    if body is None:
        return None
    answer = Response(body, error.status, content_type=Format.XLSX.media_type)
    answer.headers["Content-Disposition"] = "attachment; filename=errors.xlsx"
    return answer


def _argument(target: Target, error: InvalidValue) -> str | None:
    """Return the table that the error is about."""
    tables = [name for name, one in target.arguments.items() if one.kind is Kind.TABLE]
    told = [name for name in tables if any(fault.where == name for fault in error.errors)]
    names = told or tables
    return names[0] if len(names) == 1 else None


def _sent(target: Target, name: str) -> Bytes | None:
    """Return the file that an argument came as, if it did."""
    if file := request.files.get(name):
        file.seek(0)
        return of_file(file, request)
    is_whole = len(target.arguments) == 1 or Format.of_media_type(request.mimetype) != Format.JSON
    if request.mimetype in FORMS or not is_whole or not isinstance(request.stream, io.BytesIO):
        return None
    return of_body(request.stream.getvalue(), request)


def _marked(descriptor: Descriptor[Any], sent: Bytes | None, error: InvalidValue) -> bytes | None:
    if sent is None:
        return None
    body, asked = sent.data, sent.sheet
    if not _is_workbook(body):
        body, asked = TableXLSX().encode(sent.decode(descriptor), {}), None
    # openpyxl takes fifteen times the memory of the text in it, and a minute for 30 MiB.
    most = min(max_decompressed(), (request.max_content_length or sys.maxsize) // 2)
    if inflates_to_more(body, most):
        return None
    marked: bytes = guarded(lambda: _mark(body, error, asked), ".xlsx")
    return marked


def _is_workbook(body: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(body)):
        return False
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return "xl/workbook.xml" in archive.namelist()


def _mark(body: bytes, error: InvalidValue, asked: str | None) -> bytes:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(body))
    names = book.sheetnames
    sheet = book[names[0]]
    if asked is not None:
        with suppress(InvalidValue):  # there is no such sheet, which is what the fault says
            chosen = sheet_of({"sheet": asked}, names)
            sheet = book[chosen if chosen in names else names[chosen]]
    places: dict[str, Any] = {
        str(cell.value): cell.column for cell in next(sheet.iter_rows(max_row=1), ())
    }
    for fault in error.errors:
        if fault.row is not None and fault.column in places:
            # A sheet counts from 1 and has a header; faults count the rows under it from 0.
            _comment(sheet.cell(fault.row + 2, places[fault.column]), fault.message)
    _list(book.create_sheet(_SHEET), error.detail, error.errors)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _comment(cell: Any, message: str) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    cell.fill = PatternFill("solid", fgColor=_COLOUR)
    cell.comment = Comment(_clean(message), _AUTHOR)


def _list(sheet: Any, detail: str, faults: Iterable[ErrorDetail]) -> None:
    rows: list[tuple[Any, ...]] = [(detail,), ("row", "column", "message", "value")]
    for fault in faults:
        row = None if fault.row is None else fault.row + 2
        value = fault.as_dict().get("value")
        rows.append((row, fault.column, fault.message, None if value is None else str(value)))
    for place, cells in enumerate(rows, start=1):
        for column, value in enumerate(cells, start=1):
            _write(sheet.cell(place, column), value)


def _write(cell: Any, value: Any) -> None:
    cell.value = _clean(value) if isinstance(value, str) else value
    if isinstance(value, str):
        cell.data_type = "s"  # a text that begins with = is no formula


def _clean(text: str) -> str:
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", text)
