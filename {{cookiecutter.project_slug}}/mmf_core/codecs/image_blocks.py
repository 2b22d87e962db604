"""Bounds on the blocks of a picture file: readers take time for each, even without any pixel.

Pillow joins the Exif segments of a JPEG one by one and keeps each piece of a GIF's comment; libjpeg
decodes a progressive JPEG once for every scan, which a few bytes make.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import islice

from ..errors import BodyTooLarge, RequestError

_MAX_BLOCKS = 100_000
_MAX_EXIF = 64  # of which a file has one, or one for each of its pictures
_MAX_SCANNED = 1_000_000_000
"""Pixels times scans, of which progressive JPEGs have about ten."""
_FEW_SCANS = 16
_MAX_RUN_LENGTH = 8 * 1024 * 1024
"""Bytes of a run-length encoded BMP, which Pillow decodes in Python."""
_JPEG = b"\xff\xd8"
_START, _GIF_START = 8, 13  # bytes of a PNG's signature, and before a GIF's palette
_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")  # neither a byte of data nor a restart
_ALONE = frozenset({0x01, 0xD8})  # markers without a length
_SCAN, _END, _FILL = 0xDA, 0xD9, 0xFF
_EMPTY = frozenset({0xC8, *range(0xD0, 0xDA), *range(0xF0, 0xFE)})  # of which Pillow reads no more
_BMP_METHOD = slice(30, 34)
_RUN_LENGTH = (b"\1\0\0\0", b"\2\0\0\0")


def check_blocks(data: bytes) -> None:
    """Raise BodyTooLarge for a picture in far more blocks than any program writes."""
    for start, blocks in _BLOCKS.items():
        if (
            data.startswith(start)
            and len(list(islice(blocks(data), _MAX_BLOCKS + 1))) > _MAX_BLOCKS
        ):
            raise BodyTooLarge(
                f"expected a picture of at most {_MAX_BLOCKS:,} blocks; save it again"
            )
    if data.count(b"Exif\0\0") > _MAX_EXIF:
        raise RequestError("expected a picture with one block of Exif; save it again")
    if data.startswith(b"BM") and data[_BMP_METHOD] in _RUN_LENGTH and len(data) > _MAX_RUN_LENGTH:
        raise BodyTooLarge(
            "expected a BMP of at most 8 MiB if it is run-length encoded; save it as PNG"
        )


def check_scans(data: bytes, pixels: int) -> None:
    """Raise BodyTooLarge for a JPEG that describes its pixels far more often than any program."""
    if not data.startswith(_JPEG):
        return
    scans = sum(1 for _ in islice(_scans(data), _MAX_SCANNED // max(pixels, 1) + _FEW_SCANS))
    if scans > _FEW_SCANS and scans * pixels > _MAX_SCANNED:
        raise BodyTooLarge(
            f"expected a JPEG of {pixels:,} pixels to have at most "
            f"{max(_FEW_SCANS, _MAX_SCANNED // pixels):,} scans; save it again"
        )


def _segments(data: bytes) -> Iterator[int]:
    """Yield the places of a JPEG's markers and of bytes between them, as Pillow finds them."""
    place, kind = 2, 0
    while kind != _SCAN and place + 1 < len(data):
        yield place
        is_marker, kind = data[place] == _FILL, data[place + 1]
        if not is_marker or kind == _FILL:
            place, kind = place + 1, 0
        elif kind == 0 or kind in _EMPTY:
            place += 2
        else:
            place += 2 + max(2, int.from_bytes(data[place + 2 : place + 4], "big"))


def _scans(data: bytes) -> Iterator[int]:
    """Yield the places of a JPEG's scans, as libjpeg finds them."""
    place = 2
    while marker := _MARKER.search(data, place):
        kind, place = marker[0][1], marker.end()
        if kind == _END:
            return
        if kind == _SCAN:
            yield place
        if kind not in _ALONE:
            place += int.from_bytes(data[place : place + 2], "big")


def _chunks(data: bytes) -> Iterator[int]:
    """Yield the places of a PNG's chunks."""
    place = _START
    while place < len(data):
        yield place
        place += 12 + int.from_bytes(data[place : place + 4], "big")


def _pieces(data: bytes) -> Iterator[int]:
    """Yield the places of a GIF's pieces before its first picture, as Pillow finds them."""
    flags = data[10] if len(data) >= _GIF_START else 0
    place = _GIF_START + (3 << (flags & 7) + 1 if flags & 128 else 0)
    while place < len(data) and data[place] not in b",;":
        yield place
        if data[place] == ord("!"):
            place += 2
            while place < len(data) and (length := data[place]):
                yield place
                place += 1 + length
        place += 1


_BLOCKS: dict[bytes, Callable[[bytes], Iterator[object]]] = {
    _JPEG: _segments,
    b"\x89PNG": _chunks,
    b"GIF8": _pieces,
}
