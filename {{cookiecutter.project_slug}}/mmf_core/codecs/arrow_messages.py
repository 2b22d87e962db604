"""How large the compressed buffers of an Arrow stream or file become, as each one declares.

Pyarrow decompresses a whole batch before its size is available: each buffer into the length
that it begins with. Messages, and the footer of a file, are flatbuffers: a table begins with the
distance back to the places of its fields, which are numbered as in Message.fbs and File.fbs.
Pyarrow verifies them when it reads; here, what leads out of the bytes is any error.
"""

from __future__ import annotations

from collections.abc import Iterator
from struct import iter_unpack, unpack_from

_HEADER_TYPE, _HEADER, _DATA = 1, 2, 1  # of a message; of a batch of a dictionary
_BUFFERS, _COMPRESSION = 2, 3  # of a record batch
_DICTIONARIES, _BATCHES = 2, 3  # of a footer
_DICTIONARY_BATCH, _RECORD_BATCH = 2, 3  # types of a header
_LEGACY = b"ARROW:experimental_compression"  # as pyarrow 0.17 has written it, and still reads it
_FILE_MAGIC = b"ARROW1"  # a stream begins with a length instead
_TAIL = 10  # bytes behind the footer: its length, and the magic


def is_file(data: bytes) -> bool:
    """Return whether these are the bytes of a file, also known as Feather, and not of a stream."""
    return data.startswith(_FILE_MAGIC)


def decompressed_size(data: bytes) -> int:
    """Return the bytes that all compressed buffers become; any error for damaged messages."""
    messages = _file_messages(memoryview(data)) if is_file(data) else _stream_messages(data)
    return sum(_message_size(metadata, body) for metadata, body in messages)


def _stream_messages(data: bytes) -> Iterator[tuple[memoryview, memoryview]]:
    import pyarrow as pa

    for message in pa.ipc.MessageReader.open_stream(data):
        yield memoryview(message.metadata), memoryview(message.body or b"")


def _file_messages(data: memoryview) -> Iterator[tuple[memoryview, memoryview]]:
    """Yield the messages that the footer names, as often as it does."""
    (length,) = unpack_from("<i", data, len(data) - _TAIL)
    footer = data[len(data) - _TAIL - length :]
    root = _target(footer, 0)
    for field in (_DICTIONARIES, _BATCHES):
        for place, size, _ in iter_unpack("<qi4xq", _structures(footer, root, field, 24)):
            mark, length = unpack_from("<ii", data, place)
            prefix = 8 if mark == -1 else 4
            if prefix + (length if mark == -1 else mark) != size:
                raise ValueError(size)  # readers may differ in where the body begins
            yield data[place + prefix : place + size], data[place + size :]


def _message_size(metadata: memoryview, body: memoryview) -> int:
    root = _target(metadata, 0)
    kind_place = _field(metadata, root, _HEADER_TYPE)
    kind = metadata[kind_place] if kind_place else 0
    if kind not in {_DICTIONARY_BATCH, _RECORD_BATCH}:
        return 0
    batch = _target(metadata, _field(metadata, root, _HEADER))
    if kind == _DICTIONARY_BATCH:
        batch = _target(metadata, _field(metadata, batch, _DATA))
    if not _field(metadata, batch, _COMPRESSION) and _LEGACY not in bytes(metadata):
        return 0
    buffers = iter_unpack("<qq", _structures(metadata, batch, _BUFFERS, 16))
    # A length of -1 says that a buffer is as it is.
    return sum(max(0, unpack_from("<q", body, place)[0]) for place, length in buffers if length)


def _target(data: memoryview, place: int) -> int:
    """Return the place to which the distance at a place leads."""
    distance: int = unpack_from("<I", data, place)[0]
    return place + distance


def _field(data: memoryview, table: int, number: int) -> int:
    """Return the place of a table's field; 0 if it has none."""
    fields = table - unpack_from("<i", data, table)[0]
    entry = 4 + 2 * number
    if entry >= unpack_from("<H", data, fields)[0]:
        return 0
    offset: int = unpack_from("<H", data, fields + entry)[0]
    return offset and table + offset


def _structures(data: memoryview, table: int, number: int, size: int) -> memoryview:
    """Return the bytes of a field that is a list of structures of this size."""
    field = _field(data, table, number)
    if not field:
        return data[:0]
    start = _target(data, field)
    count = unpack_from("<I", data, start)[0]
    return data[start + 4 : start + 4 + count * size]
