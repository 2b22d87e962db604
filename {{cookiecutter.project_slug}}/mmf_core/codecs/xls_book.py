"""xlrd's workbook without what a forged file would have it do: only the records that make a table.

xlrd computes the formulas of names, which may double a text again and again, keeps a place for every
cell of a hyperlink's area, and steps back in the texts that cells share where a file says so.
"""

from __future__ import annotations

import io
from typing import Any

from xlrd.biffh import (
    XL_EXTERNNAME,
    XL_EXTERNSHEET,
    XL_FEAT11,
    XL_FORMAT,
    XL_HLINK,
    XL_LABELRANGES,
    XL_MSO_DRAWING,
    XL_MULRK,
    XL_NAME,
    XL_NOTE,
    XL_OBJ,
    XL_QUICKTIP,
    XL_RSTRING,
    XL_SUPBOOK,
    XL_TXO,
    XL_WORKBOOK_GLOBALS,
    XL_XF,
    XLRDError,
)
from xlrd.book import Book

from .base import Options
from .decoded_size import MemoryBudget

_VERSIONS = {50, 70, 80}  # of Excel 5.0 to 2003, which are in OLE2
_UNUSED = frozenset(
    {
        *(XL_NAME, XL_EXTERNNAME, XL_EXTERNSHEET, XL_SUPBOOK),
        *(XL_HLINK, XL_QUICKTIP, XL_NOTE, XL_OBJ, XL_TXO, XL_MSO_DRAWING),
        *(XL_FEAT11, XL_LABELRANGES),
    }
)
_UNUSED_SIZE, _RECORD_SIZE, _TEXT_SIZE = 40, 150, 200
"""What a record and a text that cells share count for: they take time, too."""
_BYTE_SIZES = {XL_MULRK: 34, XL_FORMAT: 1_000, XL_XF: 200, XL_RSTRING: 30}
"""What a byte of a record counts for."""
_PLAIN_BYTE_SIZE = 2


class LimitedBook(Book):  # type: ignore[misc] # xlrd has no types
    """A workbook that is read within the bounds of memory: BodyTooLarge where it needs more."""

    def __init__(self, data: bytes, options: Options) -> None:
        super().__init__()
        self._budget = MemoryBudget("XLS", options)
        self.biff2_8_load(
            file_contents=data, logfile=io.StringIO(), on_demand=True, ragged_rows=True
        )
        self.biff_version = self.getbof(XL_WORKBOOK_GLOBALS)
        if self.biff_version not in _VERSIONS:
            raise XLRDError
        self.parse_globals()
        self._sheet_list = [None] * len(self._sheet_names)
        self.nsheets = len(self._sheet_list)

    def get_record_parts(self) -> tuple[int, int, bytes]:
        """Return the next record's code, length and data."""
        while True:
            code, length, data = super().get_record_parts()
            if code not in _UNUSED:
                self._budget.spend(_RECORD_SIZE + _BYTE_SIZES.get(code, _PLAIN_BYTE_SIZE) * length)
                return code, length, data
            self._budget.spend(_UNUSED_SIZE)

    def get_record_parts_conditional(self, reqd_record: int) -> tuple[int | None, int, bytes]:
        """Return the next record if it has this code, which is that of more texts."""
        code, length, data = super().get_record_parts_conditional(reqd_record)
        return code, length, _Forward(data)

    def handle_sst(self, data: bytes) -> None:
        """Read the texts that cells share."""
        self._budget.spend(int.from_bytes(data[4:8], "little") * _TEXT_SIZE)
        super().handle_sst(_Forward(data))


class _Forward(bytes):
    """Bytes that are read from the front to the back, each once."""

    _place = 0

    def __getitem__(self, key: Any) -> Any:
        start, end = (key.start, key.stop) if isinstance(key, slice) else (key, key + 1)
        if start < self._place and len(self) > self._place:
            raise XLRDError
        self._place = min(end, len(self))
        return super().__getitem__(key)
