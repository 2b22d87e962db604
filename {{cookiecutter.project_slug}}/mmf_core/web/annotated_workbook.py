"""`?errors=xlsx`: an invalid table is sent back as a workbook with its invalid cells marked."""

from __future__ import annotations

import io
import logging
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from threading import BoundedSemaphore
from typing import Any

from flask import Response, after_this_request, g, request

from ..codecs import (
    Format,
    Kind,
    TableXLSX,
    exceeds,
    json,
    max_memory,
    replace_invalid,
    sheet_and_header,
)
from ..descriptors import Descriptor
from ..errors import ErrorDetail, InvalidValue, RequestError, max_errors
from ..settings import MIB
from ..target import ERRORS_QUERY as QUERY
from ..target import Target
from . import mark_cells
from .http.bodies import FORMS
from .http.codec_options import limits
from .http.request_parts import Argument, EncodedPart

CHOICES = ("json", "xlsx")
MAX_ANNOTATED = 1_000
MAX_SECONDS = 30
_MIN_MEMORY = 256 * MIB
"""Bytes of address space, in which openpyxl starts."""
_MOVES_CELLS = {"header", "skiprows", "names", "usecols", "index_col", "skipfooter"}
"""Options of an author with which a table's rows and columns are not those of the sheet."""
MAX_WAITING = 4
"""Requests of a worker that mark a workbook, or wait for it: the others need its threads."""
_one_at_a_time, _places = BoundedSemaphore(), BoundedSemaphore(MAX_WAITING)
_log = logging.getLogger("mmf.workbooks")


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
    has not requested it, if the error is not about a single table, and if the workbook is too large
    to be marked: it decompresses to more than half of the largest body, or exceeds the limits of
    `mark_cells`.
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
    is_json = Format.of_media_type(request.mimetype) is Format.JSON
    is_whole = target.body_argument == name or (not target.body_argument and not is_json)
    if request.mimetype in FORMS or not is_whole or not isinstance(request.stream, io.BytesIO):
        return None
    return EncodedPart.of_body(request.stream.getvalue(), request)


def _annotate(
    descriptor: Descriptor[Any], sent: EncodedPart | None, error: InvalidValue
) -> bytes | None:
    if sent is None:
        return None
    body = sent.data
    options = {**descriptor.options, **sent.place}
    if not _is_workbook(body) or not _MOVES_CELLS.isdisjoint(options):
        body = TableXLSX().encode(sent.decode(Argument.of(descriptor, limits())), {})
        options = {}
    # openpyxl takes fifteen times the memory of the text in it, and a minute for 30 MiB.
    limit = min(limits()["max_decompressed"], (request.max_content_length or sys.maxsize) // 2)
    return None if exceeds(body, limit) else _mark(body, options, error)


def _is_workbook(body: bytes) -> bool:
    if not zipfile.is_zipfile(io.BytesIO(body)):
        return False
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        return "xl/workbook.xml" in archive.namelist()


def _mark(body: bytes, options: Mapping[str, Any], error: InvalidValue) -> bytes | None:
    """Return the marked workbook; None if that takes too much memory or time, or is impossible."""
    sheet: str = ""
    header: Sequence[str] = ()
    with suppress(InvalidValue):  # the sheet does not exist, which is the error
        sheet, header = sheet_and_header(body, {**limits(), **options})
    columns = {name: index for index, name in enumerate(header, start=1)}
    # A sheet counts from 1 and has a header; errors count the rows under it from 0.
    first = options.get("header_row", 1) + 1
    arguments = {
        "max_memory": max(max_memory(limits()), _MIN_MEMORY),
        "max_seconds": MAX_SECONDS,
        "max_size": request.max_content_length or sys.maxsize,
        "sheet": sheet,
        "cells": [
            (detail.row + first, columns[detail.column], replace_invalid(detail.message))
            for detail in error.errors
            if detail.row is not None and detail.column in columns
        ],
        "list_of_errors": [
            [replace_invalid(error.detail)],
            ["row", "column", "message", "value"],
            *(_list_row(detail, first) for detail in error.errors),
        ],
    }
    if not _places.acquire(blocking=False):
        _log.warning(
            "a workbook was not marked, its errors were sent as JSON: too many are waiting"
        )
        return None
    try:
        return _run(json.dumps(arguments) + b"\n" + body)
    finally:
        _places.release()


def _run(data: bytes) -> bytes | None:
    # -P: this folder has modules with the names of Python's own.
    command = [sys.executable, "-P", "-W", "ignore", mark_cells.__file__]
    if not _one_at_a_time.acquire(timeout=MAX_SECONDS):
        return None
    try:
        process = subprocess.run(
            command, input=data, capture_output=True, check=False, timeout=MAX_SECONDS
        )
    except subprocess.TimeoutExpired:
        reason = f"more than {MAX_SECONDS} s"
    else:
        if process.stdout and not process.returncode:
            return process.stdout
        lines = process.stderr.decode(errors="replace").splitlines() or ["too large"]
        reason = f"status {process.returncode}, {lines[-1]}"
    finally:
        _one_at_a_time.release()
    _log.warning("a workbook was not marked, its errors were sent as JSON: %s", reason)
    return None


def _list_row(detail: ErrorDetail, first: int) -> list[Any]:
    texts = (detail.column, detail.message, detail.as_dict().get("value"))
    row = None if detail.row is None else detail.row + first
    return [row, *(text if text is None else replace_invalid(str(text)) for text in texts)]
