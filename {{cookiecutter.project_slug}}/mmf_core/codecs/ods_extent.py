"""How large an OpenDocument spreadsheet is, where a few bytes may repeat rows and cells."""

from __future__ import annotations

from typing import Any

from ..errors import RequestError

_CELLS = {"table:table-cell", "table:covered-table-cell"}


def dimensions(text: bytes) -> tuple[int, int, int]:
    """Return how many rows all tables have together, the columns of the widest, and all text.

    That is in characters, and counted as often as it is repeated.

    Empty rows and cells after the last that is not empty do not count: most programs write
    them, repeated to the end of the sheet.
    """
    from xml.parsers.expat import ParserCreate

    extent = _Extent()
    parser = ParserCreate()
    parser.StartElementHandler = extent.start
    parser.CharacterDataHandler = extent.write
    parser.StartDoctypeDeclHandler = extent.refuse
    parser.Parse(text, True)
    return extent.used, extent.columns, extent.written


class _Extent:
    """What expat calls; it knows the prefixes that every program writes, as the reader does."""

    def __init__(self) -> None:
        self.used = self.columns = self.written = 0
        self._rows = self._cells = 0
        self._same_rows = self._same_cells = 1

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table-row":
            self._same_rows = int(attributes.get("table:number-rows-repeated", 1))
            self._rows += self._same_rows
            self._cells = 0
        elif tag == "table:table":
            self._rows = self.used
        elif tag in _CELLS:
            self._same_cells = int(attributes.get("table:number-columns-repeated", 1))
            self._cells += self._same_cells
            self.write(attributes.get("office:string-value", ""))
            if any(name.startswith(("office:", "table:formula")) for name in attributes):
                self.used = max(self.used, self._rows)
                self.columns = max(self.columns, self._cells)

    def write(self, text: str) -> None:
        self.written += len(text) * self._same_rows * self._same_cells

    def refuse(self, *_: Any) -> None:
        raise RequestError("this workbook has a DTD, which is not read")
