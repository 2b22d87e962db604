"""Parquet with a forged footer: enough of Thrift's compact protocol to change numbers in it.

Fields by their numbers in parquet.thrift; a struct is a dictionary of number to type and value.
"""

import struct
from typing import Any

TRUE, FALSE, BYTE, I64, DOUBLE, BINARY, LIST, SET, STRUCT = 1, 2, 3, 6, 7, 8, 9, 10, 12
LONG = 15  # items, from which on a list's length is a number of its own
ROWS, GROUPS = 3, 4  # of FileMetaData
COLUMNS, GROUP_SIZE, GROUP_ROWS = 1, 2, 3  # of RowGroup
META = 3  # of ColumnChunk
VALUES, COLUMN_SIZE = 5, 6  # of ColumnMetaData


def forged(
    data: bytes, size: int | None = None, rows: int | None = None, values: int | None = None
) -> bytes:
    """Return a file that declares these numbers for every group of rows and every column."""
    length = struct.unpack("<I", data[-8:-4])[0]
    footer = data[-8 - length : -8]
    tree, _ = _read(footer, 0, STRUCT)
    assert _write(tree, STRUCT) == footer
    _set(tree, ROWS, rows)
    for group in tree[GROUPS][1][1]:
        _set(group, GROUP_SIZE, size)
        _set(group, GROUP_ROWS, rows)
        for column in group[COLUMNS][1][1]:
            _set(column[META][1], VALUES, values)
            _set(column[META][1], COLUMN_SIZE, size)
    changed = _write(tree, STRUCT)
    return data[: -8 - length] + changed + struct.pack("<I", len(changed)) + b"PAR1"


def _set(fields: Any, number: int, value: int | None) -> None:
    if value is not None:
        fields[number] = (I64, value)


def _read(data: bytes, place: int, kind: int) -> tuple[Any, int]:
    """Return a value and where it ends."""
    match kind:
        case 3:
            return data[place], place + 1
        case 4 | 5 | 6:
            number, place = _varint(data, place)
            return (number >> 1) ^ -(number & 1), place
        case 7:
            return data[place : place + 8], place + 8
        case 8:
            length, place = _varint(data, place)
            return data[place : place + length], place + length
        case 9 | 10:
            return _read_list(data, place)
    return _read_struct(data, place)


def _read_list(data: bytes, place: int) -> tuple[Any, int]:
    count, kind = data[place] >> 4, data[place] & 15
    place += 1
    if count == LONG:
        count, place = _varint(data, place)
    items = []
    for _ in range(count):
        item, place = _read(data, place, BYTE if kind in {TRUE, FALSE} else kind)
        items.append(item)
    return (kind, items), place


def _read_struct(data: bytes, place: int) -> tuple[Any, int]:
    fields: dict[int, tuple[int, Any]] = {}
    number = 0
    while header := data[place]:
        kind, place = header & 15, place + 1
        if header >> 4:
            number += header >> 4
        else:
            number, place = _read(data, place, I64)
        value: Any = None
        if kind not in {TRUE, FALSE}:
            value, place = _read(data, place, kind)
        fields[number] = (kind, value)
    return fields, place + 1


def _write(value: Any, kind: int) -> bytes:
    match kind:
        case 3:
            return bytes([value])
        case 4 | 5 | 6:
            return _from_number((value << 1) ^ (value >> 63))
        case 7:
            return bytes(value)
        case 8:
            return _from_number(len(value)) + value
        case 9 | 10:
            return _write_list(*value)
    return _write_struct(value)


def _write_list(kind: int, items: list[Any]) -> bytes:
    count = len(items)
    head = bytes([count << 4 | kind]) if count < LONG else bytes([240 | kind]) + _from_number(count)
    return head + b"".join(_write(item, BYTE if kind in {TRUE, FALSE} else kind) for item in items)


def _write_struct(fields: dict[int, tuple[int, Any]]) -> bytes:
    data, last = b"", 0
    for number, (kind, value) in sorted(fields.items()):
        step = number - last
        data += (
            bytes([step << 4 | kind]) if 0 < step <= LONG else bytes([kind]) + _write(number, I64)
        )
        data += b"" if kind in {TRUE, FALSE} else _write(value, kind)
        last = number
    return data + b"\0"


def _varint(data: bytes, place: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        number |= (data[place] & 127) << shift
        shift, place = shift + 7, place + 1
        if data[place - 1] < 128:
            return number, place


def _from_number(number: int) -> bytes:
    data = bytearray()
    while number > 127:
        data.append(number & 127 | 128)
        number >>= 7
    return bytes([*data, number])
