"""The bounds of reading a message: how much a few of its bytes may become.

An empty input is two bytes of a message and ninety of memory. The weights are upper bounds of the
memory measured on 64 bits. The fields of a message are visited, not the values in them.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ..codecs import MemoryBudget, Options, max_memory
from ..errors import BodyTooLarge

LARGEST_GROWTH = 45
"""Memory of a message, at most, in multiples of its size."""
MAX_FIELDS = 131_072
"""Of a large message, and of its inputs: a table has 16,384 columns, and six fields for each."""
_FIELD_SIZE = 128  # bytes of memory for each
_ELEMENT_WEIGHT = 18  # bytes of memory for a byte of what may have an element for each
_INPUTS, _CONTENTS, _RAW_CONTENTS = 5, 5, 7  # numbers of fields in inference.proto
_EXACT = {1, 6, 7}  # fields of InferTensorContents whose values take as much memory as here
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_Field = tuple[int, int, int]
"""The number of a field, and where its value begins and ends."""


def check_message_size(data: bytes, budget: MemoryBudget, options: Options) -> None:
    """Raise BodyTooLarge for an inference that would take more memory than there is for a body.

    A malformed message passes: its parser refuses it.
    """
    if len(data) * LARGEST_GROWTH <= max_memory(options):
        return
    count = 0
    for number, start, end in _fields(data, 0, len(data)):
        fields = islice(_fields(data, start, end), MAX_FIELDS) if number == _INPUTS else ()
        inner = [*fields]
        count += 1 + len(inner)
        if count > MAX_FIELDS:
            raise BodyTooLarge(
                f"expected a message of this size to have at most {MAX_FIELDS:,} fields; "
                f"send it in smaller pieces"
            )
        for field in inner:
            budget.spend(_FIELD_SIZE + _weight(data, *field))
        if not inner:
            is_raw = number == _RAW_CONTENTS
            budget.spend(_FIELD_SIZE + (end - start) * (1 if is_raw else _ELEMENT_WEIGHT))


def _weight(data: bytes, number: int, start: int, end: int) -> int:
    """Return the bytes of memory of a field of an input."""
    size = end - start
    if number == _CONTENTS:
        first = next(_fields(data, start, end), None)
        if first and first[0] in _EXACT and first[2] == end and data[start] & 7 == _LENGTH:
            return size
    return size * _ELEMENT_WEIGHT


def _fields(data: bytes, position: int, end: int) -> Iterator[_Field]:
    """Yield the fields of a message in `data`, up to the first that is malformed."""
    while position < end:
        tag, position = _varint(data, position, end)
        match tag & 7:
            case wire if wire == _LENGTH:
                size, position = _varint(data, position, end)
            case wire if wire == _VARINT:
                start = position
                position = _varint(data, position, end)[1]
                size, position = position - start, start
            case wire if wire == _FIXED64:
                size = 8
            case wire if wire == _FIXED32:
                size = 4
            case _:
                return
        if size > end - position:
            return
        yield tag >> 3, position, position + size
        position += size


def _varint(data: bytes, position: int, end: int) -> tuple[int, int]:
    """Return a number, and where it ends; one that does not end is at the end of the data."""
    value = 0
    for index, byte in enumerate(data[position : min(end, position + _LONGEST_VARINT)]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:  # noqa: PLR2004 - the highest bit: more bytes follow
            return value, position + index + 1
    return 0, end
