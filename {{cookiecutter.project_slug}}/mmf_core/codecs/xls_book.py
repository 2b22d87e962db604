"""xlrd's workbook without what a forged file would have it do: only the records of a table's cells.

xlrd computes the formulas of names, which may double a text again and again, keeps a place for
every cell of a hyperlink's area, and steps back in the texts that cells share if a file says so.
"""

from __future__ import annotations

import io
from typing import Any

from .base import Options
from .decoded_size import MemoryBudget

_VERSIONS = {50, 70, 80}  # of Excel 5.0 to 2003, which are in OLE2
_GLOBALS = 5  # the part of a workbook before its sheets
_UNUSED = frozenset(
    {
        *(0x17, 0x18, 0x23, 0x1AE),  # names, and other workbooks
        *(0x1C, 0x5D, 0xEC, 0x1B6),  # notes, drawings and their texts
        *(0x15F, 0x1B8, 0x800, 0x872),  # labels, hyperlinks, their tips, and tables
    }
)
_UNUSED_SIZE, _RECORD_SIZE, _TEXT_SIZE = 40, 150, 200
"""What a record and a text that cells share count for: they take time, too."""
_BYTE_SIZES = {0xBD: 34, 0x41E: 1_000, 0xE0: 200, 0xD6: 30}
"""What a byte counts for of rows of numbers, of formats, which take long, of styles, and of texts
with fonts."""
_PLAIN_BYTE_SIZE = 2


def open_book(data: bytes, options: Options) -> Any:
    """Return xlrd's book, whose sheets are read on demand; errors of xlrd for other files.

    BodyTooLarge where its records take more than the bounds of memory, now or later.
    """
    from xlrd.biffh import XLRDError
    from xlrd.book import Book

    budget = MemoryBudget("XLS", options)

    class LimitedBook(Book):
        def get_record_parts(self) -> tuple[int, int, bytes]:
            while True:
                code, length, record = super().get_record_parts()
                if code not in _UNUSED:
                    budget.spend(_RECORD_SIZE + _BYTE_SIZES.get(code, _PLAIN_BYTE_SIZE) * length)
                    return code, length, record
                budget.spend(_UNUSED_SIZE)

        def get_record_parts_conditional(self, reqd_record: int) -> tuple[int | None, int, bytes]:
            code, length, record = super().get_record_parts_conditional(reqd_record)
            return code, length, _Forward(record)  # more of the texts that cells share

        def handle_sst(self, data: bytes) -> None:
            budget.spend(int.from_bytes(data[4:8], "little") * _TEXT_SIZE)
            super().handle_sst(_Forward(data))

    book = LimitedBook()
    book.biff2_8_load(file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True)
    version = book.getbof(_GLOBALS)
    if version not in _VERSIONS:
        raise XLRDError
    book.biff_version = version
    book.parse_globals()
    vars(book)["_sheet_list"] = [None] * len(book.sheet_names())
    book.nsheets = len(book.sheet_names())
    return book


class _Forward(bytes):
    """Bytes that are read from the front to the back, each once."""

    _place = 0

    def __getitem__(self, key: Any) -> Any:
        start, end = (key.start, key.stop) if isinstance(key, slice) else (key, key + 1)
        if start < self._place and len(self) > self._place:
            raise ValueError(start)
        self._place = min(end, len(self))
        return super().__getitem__(key)
