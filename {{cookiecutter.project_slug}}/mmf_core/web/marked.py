"""A refused workbook sent back with its wrong cells marked: `?errors=xlsx`."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from flask import Response, request

from ..codecs import Format
from ..codecs.cell_text import NOT_XML
from ..codecs.workbooks import sheet_of
from ..codecs.zipped import inflates_to_more
from ..errors import Fault, InvalidValue
from ..target import ERRORS_QUERY as QUERY
from ..target import SHEET_QUERY
from .options import max_inflated

CHOICES = ("json", "xlsx")
_SHEET = "errors"
_COLOUR = "FFC7CE"  # Excel's own for bad values
_AUTHOR = "the service"


def check_query() -> None:
    """Refuse an `errors=` that is not possible: InvalidValue says what is."""
    asked = request.args.get(QUERY, CHOICES[0]) if request.query_string else CHOICES[0]
    if asked not in CHOICES:
        hint = f"errors={asked} is not possible; ask for {' or '.join(CHOICES)}"
        raise InvalidValue(hint, [Fault("ask for json or xlsx", where=QUERY)])


def marked(error: InvalidValue) -> Response | None:
    """Return the body with the wrong cells coloured and commented, and a sheet of all faults.

    None where nobody asked for it, or the body is no workbook, or a bomb.
    """
    if request.args.get(QUERY) != "xlsx" or not isinstance(request.stream, io.BytesIO):
        return None
    body = request.stream.getvalue()
    if not zipfile.is_zipfile(io.BytesIO(body)) or inflates_to_more(body, max_inflated()):
        return None
    answer = Response(
        _mark(body, error, request.args.get(SHEET_QUERY)),
        error.status,
        content_type=Format.XLSX.media_type,
    )
    answer.headers["Content-Disposition"] = "attachment; filename=errors.xlsx"
    return answer


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
    for fault in error.faults:
        if fault.row is not None and fault.column in places:
            # A sheet counts from 1 and has a header; faults count the rows under it from 0.
            _comment(sheet.cell(fault.row + 2, places[fault.column]), fault.message)
    _list(book.create_sheet(_SHEET), error.detail, error.faults)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _comment(cell: Any, message: str) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    cell.fill = PatternFill("solid", fgColor=_COLOUR)
    cell.comment = Comment(_clean(message), _AUTHOR)


def _list(sheet: Any, detail: str, faults: Iterable[Fault]) -> None:
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
