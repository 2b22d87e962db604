"""Old Excel workbooks, record by record: what xlwt does not write, in the container of xlrd.

[MS-XLS] 2.4 has the records, [MS-CFB] 2.2 the container.
"""

import struct

SECTOR = 512
FREE, END, FAT, DIFAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC
IN_HEADER, IN_SECTOR = 109, 127  # entries of the sector table
XF, MULRK, LABELSST, SST, CONTINUE, NAME, HLINK, FORMAT = (
    *(0xE0, 0xBD, 0xFD, 0xFC, 0x3C, 0x18, 0x1B8),
    0x41E,
)


def record(code: int, data: bytes) -> bytes:
    return struct.pack("<HH", code, len(data)) + data


def workbook(sheet: bytes, others: bytes = b"") -> bytes:
    """Return a workbook of one sheet with these records, and `others` before it."""
    start = _begin(5) + record(0x42, struct.pack("<H", 1200)) + record(XF, bytes(20)) * 16 + others
    place = len(start) + len(_named(0)) + len(record(0xA, b""))
    records = start + _named(place) + record(0xA, b"")
    return container(records + _begin(0x10) + sheet + record(0xA, b""))


def numbers(row: int, first: int, last: int) -> bytes:
    """Return a record of zeros."""
    cells = struct.pack("<HI", 0, 6) * (last - first + 1)
    return record(MULRK, struct.pack("<HH", row, first) + cells + struct.pack("<H", last))


def shared_text(row: int, column: int, index: int) -> bytes:
    """Return a record of a cell that has a shared text."""
    return record(LABELSST, struct.pack("<HHHI", row, column, 0, index))


def shared_texts(count: int, texts: bytes) -> bytes:
    return record(SST, struct.pack("<II", count, count) + texts)


def name(formula: bytes) -> bytes:
    """Return a name for a formula."""
    head = struct.pack("<HBBHHHBBBB", 0, 0, 1, len(formula), 0, 0, 0, 0, 0, 0)
    return record(NAME, head + b"\0n" + formula)


def container(stream: bytes) -> bytes:
    """Return an OLE2 file of one stream."""
    stream = stream.ljust(max(8 * SECTOR, -(-len(stream) // SECTOR) * SECTOR), b"\0")
    sectors = len(stream) // SECTOR
    tables = more = 0
    for _ in range(4):  # the tables have entries for themselves
        tables = -(-(sectors + 1 + tables + more) * 4 // SECTOR)
        more = max(0, -(-(tables - IN_HEADER) // IN_SECTOR))
    table = [*range(1, sectors), END, END, *[FAT] * tables, *[DIFAT] * more]
    table += [FREE] * (tables * SECTOR // 4 - len(table))
    places = [sectors + 1 + index for index in range(tables)]
    next_table = sectors + 1 + tables if more else END
    head = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    head += struct.pack("<5H6x", 0x3E, 3, 0xFFFE, 9, 6)
    head += struct.pack("<9I", 0, tables, sectors, 0, 8 * SECTOR, END, 0, next_table, more)
    head += _filled(places[:IN_HEADER], IN_HEADER)
    rest = b""
    for index in range(more):
        after = places[IN_HEADER + index * IN_SECTOR :][:IN_SECTOR]
        follower = next_table + index + 1 if index + 1 < more else END
        rest += _filled(after, IN_SECTOR) + struct.pack("<I", follower)
    entries = _entry("Root Entry", 5, END, 0, 1) + _entry("Workbook", 2, 0, len(stream), FREE)
    directory = entries.ljust(SECTOR, b"\0")
    return head + stream + directory + struct.pack(f"<{len(table)}I", *table) + rest


def _begin(kind: int) -> bytes:
    return record(0x809, struct.pack("<HHHHII", 0x600, kind, 0, 0, 0, 0))


def _named(place: int) -> bytes:
    return record(0x85, struct.pack("<IHBB", place, 0, 1, 0) + b"a")


def _filled(places: list[int], count: int) -> bytes:
    return struct.pack(f"<{count}I", *places, *[FREE] * (count - len(places)))


def _entry(title: str, kind: int, start: int, size: int, child: int) -> bytes:
    text = title.encode("utf-16-le")
    links = struct.pack("<HBBIII", len(text) + 2, kind, 1, FREE, FREE, child)
    return text.ljust(64, b"\0") + links + bytes(36) + struct.pack("<III", start, size, 0)
