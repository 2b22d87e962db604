"""Workbooks that are zip files: unpacked within bounds, so that what reads them cannot be misled.

A zip file's directory may say anything of what is inside, and a cell may say that it is the last
of a sheet of 17 thousand million. calamine keeps a place for each, and ends the process where it
cannot. So the parts that count are inflated and looked at here, and go into another archive,
stored as they are.
"""

from __future__ import annotations

import io
import re
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from ..errors import RequestError
from ..settings import MIB
from .base import refuse_sparse, too_large
from .ods_extent import used_cells

_BYTES_A_CELL = 16  # what a cell takes at least in a sheet that is not nearly empty
_REFERENCE = re.compile(rb'\sr\s*=\s*["\']([A-Za-z]*)([0-9]+)["\']')  # such as r="B7"
_ROW = re.compile(rb"<(?:[\w.-]+:)?row[\s/>]")
_CELL = re.compile(rb"<(?:[\w.-]+:)?c[\s/>]")
_COUNT = re.compile(rb'uniqueCount\s*=\s*["\']([0-9]+)')


def safe(data: bytes, most: int) -> io.BytesIO:
    """Return an .xlsx or .ods that is safe to read.

    BodyTooLarge if it inflates to more than `most` bytes, RequestError if it is nearly empty and
    huge; zipfile's errors if it is no zip file.
    """
    buffer = io.BytesIO()
    left = most
    with ZipFile(io.BytesIO(data)) as packed, ZipFile(buffer, "w", ZIP_STORED) as stored:
        names = set()
        for part in packed.infolist():
            if part.filename in names or not _counts(part):
                continue
            names.add(part.filename)
            text = _inflate(packed, part, left, most)
            left -= len(text)
            _check(part.filename, text)
            stored.writestr(part.filename, text)
    buffer.seek(0)
    return buffer


def inflates_to_more(data: bytes, most: int) -> bool:
    """Tell whether all parts of a zip file together have more than `most` bytes."""
    left = most
    with ZipFile(io.BytesIO(data)) as packed:
        for part in packed.infolist():
            with packed.open(part) as file:
                while chunk := file.read(MIB):
                    left -= len(chunk)
                    if left < 0:
                        return True
    return False


def _counts(part: ZipInfo) -> bool:
    return part.filename.lower().endswith((".xml", ".rels")) or part.filename == "mimetype"


def _inflate(packed: ZipFile, part: ZipInfo, left: int, most: int) -> bytes:
    chunks: list[bytes] = []
    with packed.open(part) as file:
        while chunk := file.read(MIB):
            left -= len(chunk)
            if left < 0:
                raise too_large("workbook", most)
            chunks.append(chunk)
    return b"".join(chunks)


def _check(name: str, text: bytes) -> None:
    """Refuse a part that would take far more memory than its own size."""
    if b"\0" in text or any(int(count) > len(text) for count in _COUNT.findall(text)):
        raise RequestError("this workbook is forged")
    rows, columns = used_cells(text) if name == "content.xml" else _extent(text)
    refuse_sparse(rows, columns, len(text) // _BYTES_A_CELL)


def _extent(text: bytes) -> tuple[int, int]:
    """Return how many rows and columns a sheet's XML may use at most, from the first on."""
    if b"sheetData" not in text:
        return 0, 0
    references = _REFERENCE.findall(text)
    letters = {column.upper() for column, _ in references}
    columns = max(map(_place, letters), default=0)
    rows = max(map(int, {row for _, row in references}), default=0)
    of_cells = sum(1 for column, _ in references if column)
    if len(_CELL.findall(text)) > of_cells:  # some only follow the one before them
        columns += max(len(_CELL.findall(row)) for row in _ROW.split(text))
    return rows + max(0, len(_ROW.findall(text)) - (len(references) - of_cells)), columns


def _place(letters: bytes) -> int:
    """Return which column AB is: 28."""
    place = 0
    for letter in letters:
        place = place * 26 + letter - 64
    return place
