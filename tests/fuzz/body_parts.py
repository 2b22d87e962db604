"""Bodies split and joined by records, zip entries, chunks, messages.

A random change to a whole file mostly breaks its checksum, its length or its directory, and the
file is rejected at once. Changed in a part and joined again, it reaches the cell reader.
`split` raises ValueError, or whatever its library raises, for what it cannot split.
"""

import gzip
import io
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import xlrd.compdoc
from backports import zstd
from xlwt.CompoundDoc import XlsDoc

from mmf_core.codecs import Format

Split = Callable[[bytes], list[bytes]]
Join = Callable[[list[bytes]], bytes]
MOST = 1 << 16
"""Maximum bytes of a decompressed part."""
NAME = b"\n"


@dataclass(frozen=True)
class Structure:
    """How bodies of a format are split and joined."""

    split: Split
    join: Join


def records_of(data: bytes) -> list[bytes]:
    """Return the records of an .xls, each with its type and its length (MS-XLS, 2.1.4)."""
    document = xlrd.compdoc.CompDoc(data, logfile=io.StringIO())
    memory, start, size = document.locate_named_stream("Workbook")
    if memory is None:
        raise ValueError("no workbook in this file")
    stream, records = memory[start : start + size], []
    while stream:
        end = 4 + (struct.unpack_from("<H", stream, 2)[0] if len(stream) >= 4 else 0)
        records.append(stream[:end])
        stream = stream[end:]
    return records


def xls_of(records: list[bytes]) -> bytes:
    """Return the .xls of these records: their lengths may be false, the container is valid."""
    buffer = io.BytesIO()
    XlsDoc().save(buffer, b"".join(records))
    return buffer.getvalue()


def entries_of(data: bytes) -> list[bytes]:
    """Return the entries of a zip file, each with its name in its first line."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return [
            info.filename.encode() + NAME + archive.open(info).read(MOST)
            for info in archive.infolist()
        ]


def zip_of(entries: list[bytes]) -> bytes:
    """Return the zip file of these entries."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for entry in entries:
            name, _, content = entry.partition(NAME)
            info = zipfile.ZipInfo(name.decode(errors="replace").partition("\0")[0][:99] or "a")
            archive.writestr(info, content)
    return buffer.getvalue()


def chunks_of(data: bytes) -> list[bytes]:
    """Return the chunks of a PNG without lengths and checksums (PNG, 5.3)."""
    chunks, place = [], 8
    while place < len(data):
        (size,) = struct.unpack_from(">I", data, place)
        chunks.append(data[place + 4 : place + 8 + size])
        place += 12 + size
    return chunks


def png_of(chunks: list[bytes]) -> bytes:
    """Return the PNG of these chunks."""
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", max(0, len(chunk) - 4)) + chunk + struct.pack(">I", zlib.crc32(chunk))
        for chunk in chunks
    )


def npy_parts(data: bytes) -> list[bytes]:
    """Return the start, the header and the numbers of an .npy of version 1."""
    (size,) = struct.unpack_from("<H", data, 8)
    return [data[:8], data[10 : 10 + size], data[10 + size :]]


def npy_of(parts: list[bytes]) -> bytes:
    """Return the .npy of these parts."""
    start, header, *numbers = [*parts, b"", b""][: max(2, len(parts))]
    return start + struct.pack("<H", len(header) & 0xFFFF) + header + b"".join(numbers)


def footer_of(data: bytes) -> list[bytes]:
    """Return the columns and the footer of a Parquet file, without magic and length."""
    (size,) = struct.unpack_from("<I", data, len(data) - 8)
    return [data[4 : len(data) - 8 - size], data[len(data) - 8 - size : -8]]


def parquet_of(parts: list[bytes]) -> bytes:
    """Return the Parquet file of these parts, the last of which is its footer."""
    footer = parts[-1] if parts else b""
    return b"".join([b"PAR1", *parts, struct.pack("<I", len(footer)), b"PAR1"])


def messages_of(data: bytes) -> list[bytes]:
    """Return the metadata and the bodies of an Arrow stream in turn, without lengths."""
    parts: list[bytes] = []
    for message in pa.ipc.MessageReader.open_stream(data):
        parts += [message.metadata.to_pybytes(), message.body.to_pybytes() if message.body else b""]
    return parts


def arrow_of(parts: list[bytes]) -> bytes:
    """Return the Arrow stream of these parts."""
    stream = b""
    for index in range(0, len(parts), 2):
        metadata = parts[index] + bytes(-len(parts[index]) % 8)
        stream += struct.pack("<II", 0xFFFFFFFF, len(metadata)) + metadata
        stream += b"".join(parts[index + 1 : index + 2])
    return stream + b"\xff\xff\xff\xff\0\0\0\0"


def lines() -> Structure:
    """Return the structure of a text of lines."""
    return Structure(lambda data: data.splitlines(keepends=True), b"".join)


def separated(separator: bytes) -> Structure:
    """Return the structure of a text of parts with a separator between them."""
    return Structure(lambda data: data.split(separator), separator.join)


def compressed(
    decompress: Callable[[bytes], bytes], compress: Callable[[bytes], bytes]
) -> Structure:
    """Return the structure of a compressed body, split by the lines inside."""
    return Structure(
        lambda data: decompress(data)[:MOST].splitlines(keepends=True),
        lambda parts: compress(b"".join(parts)),
    )


ZIP = Structure(entries_of, zip_of)
STRUCTURES = {
    Format.XLS: Structure(records_of, xls_of),
    Format.XLSX: ZIP,
    Format.ODS: ZIP,
    Format.PNG: Structure(chunks_of, png_of),
    Format.NPY: Structure(npy_parts, npy_of),
    Format.PARQUET: Structure(footer_of, parquet_of),
    Format.ARROW: Structure(messages_of, arrow_of),
    Format.CSV: separated(b","),
    Format.TSV: separated(b"\t"),
    Format.JSON: separated(b","),
    Format.XML: separated(b"<"),
}
GZIP = compressed(gzip.decompress, lambda data: gzip.compress(data, 1, mtime=0))
DEFLATE = compressed(zlib.decompress, lambda data: zlib.compress(data, 1))
ZSTD = compressed(zstd.decompress, lambda data: zstd.compress(data, 1))
