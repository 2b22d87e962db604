"""How large a Parquet file is once it is decompressed, as the header of each page declares it.

So are its values, of which a few bytes may hold millions. The footer may declare less, but a page
is decompressed into the size of its own header. The footer is searched first: pyarrow makes
hundreds of bytes of a structure of three. Structures are in Thrift's compact protocol, their fields
numbered as in parquet.thrift. Columns and pages that are written as usual are found by a pattern,
several times faster than field by field.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..errors import BodyTooLarge
from .parquet_patterns import patterns

Fields = dict[int, Any]

_MAX_STRUCTURES = 500_000
"""Of a footer and all page headers, items of lists included: each takes memory in pyarrow."""
_GROUPS, _COLUMNS, _META = 4, 1, 3  # of the footer, a row group, a column
_VALUES, _FIRST_PAGE, _DICTIONARY = 5, 9, 11  # of a column's metadata
_UNCOMPRESSED, _COMPRESSED, _DATA_PAGES, _PAGE_VALUES = 2, 3, (5, 8), 1  # of a page
_TAIL = 8  # bytes behind the footer: its length, and the magic
_TRUE, _FALSE, _BYTE, _DOUBLE, _BINARY, _LIST, _SET, _STRUCT = 1, 2, 3, 7, 8, 9, 10, 12
_LONG, _MORE = 15, 128  # a list whose length follows; a byte that is not a number's last

_COLUMN_STRUCTURES, _PAGE_STRUCTURES = 10, 3  # those that one has, about
_HEADER_BYTES = 64  # of a page's header, that count for a structure: several columns may share it
_MAX_SHIFT = 63


class Chunk(NamedTuple):
    """A column in a row group: its decompressed bytes, and its values, nulls included."""

    size: int
    values: int


def row_groups(data: bytes) -> list[list[Chunk]]:
    """Return the columns of each row group; any error for a damaged file.

    BodyTooLarge for a file of very many pages, columns or other structures.
    """
    reader = _Reader(data)
    length = int.from_bytes(data[-_TAIL:][:4], "little")
    footer, _ = reader.structure(len(data) - _TAIL - length)
    return [
        [_chunk(reader, column[_META]) for column in group[_COLUMNS]]
        for group in footer.get(_GROUPS, ())
    ]


def _chunk(reader: _Reader, column: Fields) -> Chunk:
    """Return what a column's pages have, up to the last that pyarrow reads."""
    place, dictionary = column[_FIRST_PAGE], column.get(_DICTIONARY, 0)
    if 0 < dictionary < place:
        place = dictionary
    size, left = 0, column[_VALUES]
    while left > 0:
        page_size, page_bytes, values, place = reader.page(place)
        if min(page_size, page_bytes, values) < 0:
            raise ValueError(page_size)
        place += page_bytes
        size += page_size
        left -= values
    return Chunk(size, column[_VALUES] - left)


class _Reader:
    """Structures: numbers and what holds them; texts are left out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._left = _MAX_STRUCTURES
        self._patterns = patterns()

    def page(self, place: int) -> tuple[int, int, int, int]:
        """Return the sizes of a page and its values, and where its header ends."""
        if match := self._patterns.page.match(self._data, place):
            size, compressed, values = map(_decoded, match.groups(b"\0"))
            end = match.end()
        else:
            page, end = self.structure(place)
            values = sum(page[kind][_PAGE_VALUES] for kind in _DATA_PAGES if kind in page)
            size, compressed = page[_UNCOMPRESSED], page[_COMPRESSED]
        self._spend(_PAGE_STRUCTURES + (end - place) // _HEADER_BYTES)
        return size, compressed, values, end

    def _item(self, place: int) -> tuple[Fields, int]:
        """Return the fields of a structure in a list that are needed, and where it ends."""
        if match := self._patterns.column.match(self._data, place):
            self._spend(_COLUMN_STRUCTURES)
            values, first_page, dictionary = map(_decoded, match.groups(b"\0"))
            meta = {_VALUES: values, _FIRST_PAGE: first_page, _DICTIONARY: dictionary}
            return {_META: meta}, match.end()
        if plain := self._patterns.plain.match(self._data, place):
            self._spend(1)
            return {}, plain.end()
        return self.structure(place)

    def structure(self, place: int) -> tuple[Fields, int]:
        """Return the fields of the structure at a place, and where it ends."""
        self._spend(1)
        data, fields, number = self._data, {}, 0
        while header := data[place]:
            place += 1
            kind = header & 15
            if header > _LONG:
                number += header >> 4
            else:
                number, place = self._number(place)
            if _BYTE < kind < _DOUBLE:
                value = data[place]
                if value < _MORE:  # nearly always: no call
                    fields[number], place = (value >> 1) ^ -(value & 1), place + 1
                else:
                    fields[number], place = self._number(place)
            elif kind > _FALSE:
                fields[number], place = self._value(kind, place)
        return fields, place + 1

    def _spend(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise BodyTooLarge(
                f"expected a Parquet file of at most {_MAX_STRUCTURES:,} pages and columns; "
                f"send it in smaller pieces"
            )

    def _value(self, kind: int, place: int) -> tuple[Any, int]:
        if kind == _BINARY:
            length, place = self._varint(place)
            return None, place + length
        if kind == _STRUCT:
            return self.structure(place)
        if kind in {_LIST, _SET}:
            return self._list(place)
        if kind in {_BYTE, _DOUBLE}:
            return None, place + (1 if kind == _BYTE else 8)
        if _BYTE < kind < _DOUBLE:
            return self._number(place)
        raise ValueError(kind)  # a map, of which parquet.thrift has none

    def _list(self, place: int) -> tuple[list[Any], int]:
        header, place = self._data[place], place + 1
        count, kind = header >> 4, header & 15
        if count == _LONG:
            count, place = self._varint(place)
        if kind <= _BYTE:
            return [], place + count
        self._spend(0 if kind == _STRUCT else count)
        items: list[Any] = []
        for _ in range(count):
            if kind == _STRUCT:
                item, place = self._item(place)
                items.append(item)
            else:
                _, place = self._value(kind, place)
        return items, place

    def _number(self, place: int) -> tuple[int, int]:
        number, place = self._varint(place)
        return (number >> 1) ^ -(number & 1), place

    def _varint(self, place: int) -> tuple[int, int]:
        number = shift = 0
        while (byte := self._data[place]) >= _MORE:
            number |= (byte & 127) << shift
            shift, place = shift + 7, place + 1
            if shift > _MAX_SHIFT:
                raise ValueError(shift)
        return number | byte << shift, place + 1


def _decoded(varint: bytes) -> int:
    """Return the number that a pattern has found."""
    number = 0
    for byte in reversed(varint):
        number = number << 7 | byte & 127
    return (number >> 1) ^ -(number & 1)
