"""`?errors=xlsx`: an invalid table is sent back as a workbook with its invalid cells marked."""

from __future__ import annotations

import io
import sys
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from flask import Response, after_this_request, g, request

from ..codecs import (
    Format,
    Kind,
    TableXLSX,
    column_names,
    exceeds,
    replace_invalid,
    select_sheet,
    translate_errors,
)
from ..descriptors import Descriptor
from ..errors import ErrorDetail, InvalidValue, RequestError, max_errors
from ..target import ERRORS_QUERY as QUERY
from ..target import Target
from .http.bodies import FORMS
from .http.codec_options import limits
from .http.request_parts import Argument, EncodedPart

CHOICES = ("json", "xlsx")
MAX_ANNOTATED = 1_000
_SHEET = "errors"
_MOVES_CELLS = {"header", "skiprows", "names", "usecols", "index_col", "skipfooter"}
"""Options of an author with which a table's rows and columns are not those of the sheet."""
_COLOUR = "FFC7CE"  # Excel's colour of bad values
_AUTHOR = "the service"


def check_errors_query(target: Target) -> None:
    """Prepare for `?errors=xlsx`; InvalidValue for any value but json and xlsx."""
    choice = request.args.get(QUERY, CHOICES[0]) if request.query_string else CHOICES[0]
    if choice not in CHOICES:
        expected = f"expected {' or '.join(CHOICES)}, got {choice!r}"
        raise InvalidValue(f"?{QUERY}=: {expected}", [ErrorDetail(expected, where=QUERY)])
    if choice == "xlsx":
        g.annotated_target = target
        token = max_errors.set(MAX_ANNOTATED)

        @after_this_request
        def reset(response: Response) -> Response:
            max_errors.reset(token)
            return response


def annotated_workbook(error: InvalidValue) -> Response | None:
    """Return the table as a workbook: invalid cells coloured and commented, all errors in a sheet.

    A workbook is otherwise as it was sent; any other table becomes a workbook. None if the caller
    has not requested it, if the error is not about a single table, and if the workbook decompresses
    to more than half of the largest body.
    """
    target: Target | None = g.get("annotated_target")
    if target is None or (name := _argument(target, error)) is None:
        return None
    try:
        body = _annotate(target.arguments[name], _sent(target, name), error)
    except (RequestError, TypeError, ValueError):  # the table is unreadable, or no sheet holds it
        return None
    if body is None:
        return None
    response = Response(body, error.status, content_type=Format.XLSX.media_type)
    response.headers["Content-Disposition"] = "attachment; filename=errors.xlsx"
    return response


def _argument(target: Target, error: InvalidValue) -> str | None:
    """Return the table argument that the error is about, or None."""
    arguments = target.arguments.items()
    tables = [name for name, descriptor in arguments if descriptor.kind is Kind.TABLE]
    invalid = {detail.where for detail in error.errors}
    names = [name for name in tables if name in invalid] or tables
    return names[0] if len(names) == 1 else None


def _sent(target: Target, name: str) -> EncodedPart | None:
    """Return the file or body that an argument was sent as; None if it was not."""
    if file := request.files.get(name):
        file.seek(0)
        return EncodedPart.of_file(file, request)
    is_whole = len(target.arguments) == 1 or Format.of_media_type(request.mimetype) != Format.JSON
    if request.mimetype in FORMS or not is_whole or not isinstance(request.stream, io.BytesIO):
        return None
    return EncodedPart.of_body(request.stream.getvalue(), request)


def _annotate(
    descriptor: Descriptor[Any], sent: EncodedPart | None, error: InvalidValue
) -> bytes | None:
    if sent is None:
        return None
    body = sent.data
    options = {**descriptor.options, **({} if sent.sheet is None else {"sheet": sent.sheet})}
    if not _is_workbook(body) or not _MOVES_CELLS.isdisjoint(options):
        body = TableXLSX().encode(sent.decode(Argument.of(descriptor, limits())), {})
        options = {}
    # openpyxl takes fifteen times the memory of the text in it, and a minute for 30 MiB.
    limit = min(limits()["max_decompressed"], (request.max_content_length or sys.maxsize) // 2)
    if exceeds(body, limit):
        return None
    annotated: bytes = translate_errors(lambda: _mark_cells(body, error, options), ".xlsx", body)
    return annotated


def _is_workbook(body: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(body)):
        return False
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return "xl/workbook.xml" in archive.namelist()


def _mark_cells(body: bytes, error: InvalidValue, options: Mapping[str, Any]) -> bytes:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(body))
    names = book.sheetnames
    shown = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
    with suppress(InvalidValue):  # the sheet does not exist, which is the error
        chosen = select_sheet(options, names, shown)
        _mark_sheet(book[chosen if chosen in names else names[chosen]], error.errors)
    _list_errors(book.create_sheet(_SHEET), error.detail, error.errors)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _mark_sheet(sheet: Any, errors: Iterable[ErrorDetail]) -> None:
    header = next(sheet.iter_rows(max_row=1, values_only=True), ())
    columns = {name: index for index, name in enumerate(column_names(header), start=1)}
    for detail in errors:
        if detail.row is not None and detail.column in columns:
            # A sheet counts from 1 and has a header; errors count the rows under it from 0.
            _comment(sheet.cell(detail.row + 2, columns[detail.column]), detail.message)


def _comment(cell: Any, message: str) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    cell.fill = PatternFill("solid", fgColor=_COLOUR)
    cell.comment = Comment(replace_invalid(message), _AUTHOR)


def _list_errors(sheet: Any, summary: str, errors: Iterable[ErrorDetail]) -> None:
    rows: list[tuple[Any, ...]] = [(summary,), ("row", "column", "message", "value")]
    for detail in errors:
        row = None if detail.row is None else detail.row + 2
        value = detail.as_dict().get("value")
        rows.append((row, detail.column, detail.message, None if value is None else str(value)))
    for row_number, cells in enumerate(rows, start=1):
        for column_number, value in enumerate(cells, start=1):
            _write(sheet.cell(row_number, column_number), value)


def _write(cell: Any, value: Any) -> None:
    cell.value = replace_invalid(value) if isinstance(value, str) else value
    if isinstance(value, str):
        cell.data_type = "s"  # a text that begins with = is not a formula
