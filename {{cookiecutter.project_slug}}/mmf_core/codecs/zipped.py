"""Workbooks that are zip files: unpacked within bounds, so that what reads them cannot be misled.

A zip file's directory may say anything of what is inside, and a cell may say that it is the last
of a sheet of 17 thousand million. calamine keeps a place for each, and ends the process where it
cannot. So the parts that count are inflated and looked at here, and go into another archive,
stored as they are.
"""

from __future__ import annotations

import io
import re
import struct
import zlib
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from ..errors import RequestError
from ..settings import MIB
from . import ods_extent, shared_strings, xlsx_extent
from .base import refuse_sparse, too_large

_BYTES_A_CELL = 16  # what a cell takes at least in a sheet that is not nearly empty
_COUNT = re.compile(rb'uniqueCount\s*=\s*["\']([0-9]+)')  # of strings: calamine makes room
_IDLE = ("docprops/", "xl/theme/", "customxml/")  # what no reader of cells looks at

# APPNOTE.TXT 4.3.7, 4.3.12 and 4.3.16, from their versions on and up to their names.
_LOCAL = struct.Struct("<4s5H3L2H")
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")


def safe(data: bytes, most: int) -> bytes:
    """Return an .xlsx or .ods that is safe to read.

    BodyTooLarge if it inflates to more than `most` bytes, RequestError if it is nearly empty and
    huge; errors of zipfile and zlib if it is no zip file.
    """
    parts: dict[str, bytes] = {}
    left = most
    with ZipFile(io.BytesIO(data)) as packed:
        for part in packed.infolist():
            if part.filename in parts or not _counts(part.filename.lower()):
                continue
            text = _inflate(data, part, left)
            if text is None:
                raise too_large("workbook", most)
            left -= len(text)
            _check(part.filename, text, most)
            parts[part.filename] = text
    if shared_strings.text_size(parts.values(), most) > most:
        raise too_large("workbook", most)
    return _stored(parts)


def inflates_to_more(data: bytes, most: int) -> bool:
    """Tell whether all parts of a zip file together have more than `most` bytes."""
    left = most
    with ZipFile(io.BytesIO(data)) as packed:
        for part in packed.infolist():
            with packed.open(part) as file:
                while chunk := file.read(MIB):
                    left -= len(chunk)
                    if left < 0:
                        return True
    return False


def _counts(name: str) -> bool:
    return (name.endswith((".xml", ".rels")) and not name.startswith(_IDLE)) or name == "mimetype"


def _inflate(data: bytes, part: ZipInfo, most: int) -> bytes | None:
    """Return what a part holds, or None if that is more than `most`; zipfile copies it thrice."""
    signature, *_, name, extra = _LOCAL.unpack_from(data, part.header_offset)
    start = part.header_offset + _LOCAL.size + name + extra
    packed = memoryview(data)[start : start + part.compress_size]
    if signature != b"PK\3\4" or part.flag_bits & 1 or len(packed) < part.compress_size:
        raise BadZipFile
    if part.compress_type == ZIP_STORED:
        return bytes(packed) if len(packed) <= most else None
    if part.compress_type != ZIP_DEFLATED:
        raise BadZipFile
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    text = inflater.decompress(packed, most + 1)
    if len(text) > most:
        return None
    if zlib.crc32(text) != part.CRC:
        raise BadZipFile
    return text


def _check(name: str, text: bytes, most: int) -> None:
    """Refuse a part that would take far more memory than its own size."""
    counts = _COUNT.findall(text) if b"uniqueCount" in text else ()
    if b"\0" in text or any(int(count) > len(text) for count in counts):
        raise RequestError("this workbook is forged")
    size = len(text) // _BYTES_A_CELL
    refuse_sparse(*xlsx_extent.dimensions(text), size)
    if name == "content.xml":
        rows, columns, written = ods_extent.dimensions(text)
        refuse_sparse(rows, columns, size)
        if written > most:
            raise too_large("workbook", most)


def _stored(parts: dict[str, bytes]) -> bytes:
    """Return a zip file of parts as they are; struct.error for 4 GiB or 65,536 parts and more."""
    pieces: list[bytes] = []
    directory: list[bytes] = []
    offset = 0
    for name, text in parts.items():
        path = name.encode()
        # Version, flags (11: the name is UTF-8), method, time, 1 January 1980, sum, sizes.
        known = (20, 1 << 11, ZIP_STORED, 0, 0x21, zlib.crc32(text), len(text), len(text))
        header = _LOCAL.pack(b"PK\3\4", *known, len(path), 0)
        directory.append(_CENTRAL.pack(b"PK\1\2", 20, *known, len(path), 0, 0, 0, 0, 0, offset))
        directory.append(path)
        pieces += header, path, text
        offset += len(header) + len(path) + len(text)
    size = sum(map(len, directory))
    end = _END.pack(b"PK\5\6", 0, 0, len(parts), len(parts), size, offset, 0)
    return b"".join([*pieces, *directory, end])
