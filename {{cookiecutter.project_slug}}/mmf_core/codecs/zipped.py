"""Workbooks that are zip files, rewritten so that a forged one cannot mislead its reader.

A zip file's directory may declare any sizes, and a cell may claim to be the last of a sheet of 17
thousand million. calamine allocates a place for each, and aborts the process if it cannot. So the
relevant parts are decompressed and checked here, and go uncompressed into a new archive.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ..errors import RequestError
from ..settings import MIB
from . import shared_strings
from .byte_search import count_pairs
from .decoded_size import check_tags, refuse_sparse, too_large
from .xlsx_dimensions import dimensions

CheckContent = Callable[[bytes, int], bytes]

BYTES_PER_CELL = 16
"""The fewest bytes that a cell takes in a sheet that is not nearly empty."""
_COUNT = re.compile(rb'uniqueCount\s*=\s*["\']([0-9]+)')  # of strings: calamine allocates them
MAX_ROWS = 1_048_576
"""Of any sheet of Excel's."""
_PREFIXED_ROW = re.compile(rb"<[\w.-]{1,50}:row[\s/>]")
_LONG = 1 << 14  # bytes of a part, from which on it may be cut
MAX_TAGS = 12_000_000  # also of elements without a cell, for which readers take time
_PLACES = (b"row", b"c", b"si")
"""Elements for which readers allocate a place, even if they are empty."""
_UNUSED = ("docprops/", "xl/theme/", "customxml/")  # parts that no reader of cells opens

# APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16, from the version to the name.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


def sanitized_parts(
    data: bytes,
    max_size: int,
    check_content: CheckContent | None = None,
    cut: Callable[[bytes], bytes] | None = None,
) -> dict[str, bytes]:
    """Return the parts of an .xlsx or .ods that are safe to read, if they are `stored`.

    `check_content` checks the content.xml of an .ods and returns the one to read; without it no
    reader takes the file for one, since its `mimetype` is left out. `cut` returns the rest of a
    long part, from which it has taken what needs no check. BodyTooLarge if it decompresses
    to more than `max_size` bytes, RequestError if it is huge and nearly empty; errors of zipfile
    and zlib if it is not a zip file.
    """
    parts: dict[str, bytes] = {}
    remaining = max_size
    with ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            is_used = _is_used(info.filename.lower()) or (
                info.filename == "mimetype" and check_content is not None
            )
            if info.filename in parts or not is_used:
                continue
            part = _decompress(data, info, remaining)
            if part is None:
                raise too_large("workbook", max_size)
            remaining -= len(part)
            if cut is not None and len(part) > _LONG:
                part = cut(part)
            _check(part)
            if info.filename == "content.xml" and check_content is not None:
                part = check_content(part, max_size)
            parts[info.filename] = part
    if shared_strings.text_size(parts.values(), max_size) > max_size:
        raise too_large("workbook", max_size)
    return parts


def exceeds(data: bytes, max_size: int) -> bool:
    """Return whether all parts of a zip file together have more than `max_size` bytes."""
    remaining = max_size
    with ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            with archive.open(info) as file:
                while chunk := file.read(MIB):
                    remaining -= len(chunk)
                    if remaining < 0:
                        return True
    return False


def _is_used(name: str) -> bool:
    return name.endswith((".xml", ".rels")) and not name.startswith(_UNUSED)


def _decompress(data: bytes, info: ZipInfo, max_size: int) -> bytes | None:
    """Return a part, or None if it has more than `max_size` bytes; zipfile would copy it thrice."""
    signature, *_, name_size, extra_size = _LOCAL.unpack_from(data, info.header_offset)
    start = info.header_offset + _LOCAL.size + name_size + extra_size
    compressed = memoryview(data)[start : start + info.compress_size]
    if signature != b"PK\3\4" or info.flag_bits & 1 or len(compressed) < info.compress_size:
        raise BadZipFile
    if info.compress_type == ZIP_STORED:
        return bytes(compressed) if len(compressed) <= max_size else None
    if info.compress_type != ZIP_DEFLATED:
        raise BadZipFile
    decompressor = zlib.decompressobj(-zlib.MAX_WBITS)
    part = decompressor.decompress(compressed, max_size + 1)
    if len(part) > max_size:
        return None
    if zlib.crc32(part) != info.CRC:
        raise BadZipFile
    return part


def _check(part: bytes) -> None:
    """Refuse a part that would take far more memory than its own size."""
    counts = _COUNT.findall(part) if b"uniqueCount" in part else ()
    if b"\0" in part or any(int(count) > len(part) for count in counts):
        raise RequestError("this workbook has been tampered with; save it again")
    if len(part) > MIB:  # a smaller one cannot have too many
        for tag in _PLACES:  # before they are looked at one by one
            refuse_sparse(count_pairs(part, b"<:", tag), 1, len(part) // BYTES_PER_CELL)
        rows = count_pairs(part, b"<", b"row")
        if b":row" in part:  # a search by a pattern would stop all other threads for a second
            rows += sum(1 for _ in _PREFIXED_ROW.finditer(part))
        if rows > MAX_ROWS:
            raise RequestError(f"expected a sheet of at most {MAX_ROWS:,} rows, got {rows:,}")
        check_tags(part, MAX_TAGS)
    if b"sheetData" in part:
        refuse_sparse(*dimensions(part), len(part) // BYTES_PER_CELL)


def stored(parts: Mapping[str, bytes]) -> bytes:
    """Return an uncompressed zip file of parts; struct.error from 4 GiB or 65,536 parts on."""
    pieces: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for filename, part in parts.items():
        name = filename.encode()
        # Version, flags (11: the name is UTF-8), method, time, 1 January 1980, checksum, sizes.
        fields = (20, 1 << 11, ZIP_STORED, 0, 0x21, zlib.crc32(part), len(part), len(part))
        header = _LOCAL.pack(b"PK\3\4", *fields, len(name), 0)
        directory.append(_CENTRAL.pack(b"PK\1\2", 20, *fields, len(name), 0, 0, 0, 0, 0, offset))
        directory.append(name)
        pieces += header, name, part
        offset += len(header) + len(name) + len(part)
    size = sum(map(len, directory))
    end = _END.pack(b"PK\5\6", 0, 0, len(parts), len(parts), size, offset, 0)
    return b"".join([*pieces, *directory, end])
