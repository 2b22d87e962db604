"""Mark invalid cells in a workbook: a program, run in a process with limits of memory and time.

openpyxl makes an object of every cell that a merged range or a hyperlink names, and a few bytes can
name the 17 thousand million of a whole sheet: so these are counted first. There may be more such
areas: a process that exceeds its limits ends, and the service continues.

Standard input is a line of JSON, the keyword arguments of `main`, and then the workbook; standard
output is the marked one, or nothing if it is too large. The file imports nothing of the service,
so that it starts fast.
"""

from __future__ import annotations

import io
import json
import os
import re
import resource
import sys
import zipfile
from collections.abc import Iterable, Sequence
from typing import Any

_SHEET = "errors"
_COLOUR = "FFC7CE"  # Excel's colour of bad values
_AUTHOR = "the service"
_MOST_CELLS = 100_000
_LAST_COLUMN, _LAST_ROW = 16_384, 1_048_576
_AREA = re.compile(
    rb"""<(?:[\w.-]{1,50}:)?+(?:mergeCell|hyperlink)\s((?:[^<>"']|"[^"<]*+"|'[^'<]*+')*+)>"""
)
_REFERENCE = re.compile(rb"""\bref\s*+=\s*+["']([^"']{0,50})""")
Row = Sequence[Any]


def main(
    *,
    max_memory: int,
    max_seconds: int,
    max_size: int,
    sheet: str,
    cells: Iterable[tuple[int, int, str]],
    list_of_errors: Iterable[Row],
) -> None:
    """Mark `cells`, (row, column, message) counted from 1, of the workbook in standard input.

    `list_of_errors` becomes another sheet. Sizes are in bytes. Without `sheet` no cell is marked.
    """
    resource.setrlimit(resource.RLIMIT_AS, (max_memory, max_memory))
    resource.setrlimit(resource.RLIMIT_CPU, (max_seconds, max_seconds))
    os.nice(10)  # requests come first
    sys.modules["numpy"] = None  # type: ignore[assignment] # openpyxl does without, and starts fast
    from openpyxl import load_workbook

    body = io.BytesIO(sys.stdin.buffer.read())
    if (named := _cells_in_areas(body)) > _MOST_CELLS:
        sys.exit(f"its merged cells and links name {named:,} cells, at most {_MOST_CELLS:,}")
    book = load_workbook(body)
    for row, column, message in cells if sheet else ():
        _mark(book[sheet].cell(row, column), message)
    _list(book.create_sheet(_SHEET), list_of_errors)
    buffer = io.BytesIO()
    book.save(buffer)
    if buffer.tell() <= max_size:
        sys.stdout.buffer.write(buffer.getbuffer())


def _cells_in_areas(body: io.BytesIO) -> int:
    """Return how many cells all merged ranges and hyperlinks of a workbook name together."""
    from openpyxl.utils.cell import range_boundaries

    count = 0
    with zipfile.ZipFile(body) as archive:
        for name in archive.namelist():
            for area in _AREA.finditer(archive.read(name)) if name.endswith(".xml") else ():
                if reference := _REFERENCE.search(area[1]):
                    left, top, right, bottom = range_boundaries(reference[1].decode("latin-1"))
                    columns = abs((right or _LAST_COLUMN) - (left or 1)) + 1
                    count += columns * (abs((bottom or _LAST_ROW) - (top or 1)) + 1)
    return count


def _mark(cell: Any, message: str) -> None:
    from openpyxl.comments import Comment
    from openpyxl.styles import PatternFill

    cell.fill = PatternFill("solid", fgColor=_COLOUR)
    cell.comment = Comment(message, _AUTHOR)


def _list(sheet: Any, rows: Iterable[Row]) -> None:
    for row_number, values in enumerate(rows, start=1):
        for column_number, value in enumerate(values, start=1):
            cell = sheet.cell(row_number, column_number)
            cell.value = value
            if isinstance(value, str):
                cell.data_type = "s"  # a text that begins with = is not a formula


if __name__ == "__main__":
    main(**json.loads(sys.stdin.buffer.readline()))
