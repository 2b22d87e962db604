"""Small image files that take long to read: each is rejected before Pillow opens it."""

import io
import struct
import warnings
import zlib

import numpy as np
import PIL.Image
import pytest

from cpu_time import at_most
from mmf_core.codecs import Format, Kind, find
from mmf_core.codecs.image_blocks import check_blocks, check_scans
from mmf_core.errors import BodyTooLarge, RequestError

EXIF = b"\xff\xe1" + struct.pack(">H", 22) + b"Exif\0\0MM\0*\0\0\0\x08" + bytes(6)


def saved(form: str, side: int = 16, mode: str = "RGB", **how: object) -> bytes:
    buffer = io.BytesIO()
    PIL.Image.new(mode, (side, side)).save(buffer, form, **how)
    return buffer.getvalue()


def jpeg(before: bytes) -> bytes:
    return b"\xff\xd8" + before + saved("JPEG")[2:]


def png(before: bytes) -> bytes:
    data = saved("PNG")
    return data[:33] + before + data[33:]


def chunk(content: bytes) -> bytes:
    return (
        struct.pack(">I", len(content))
        + b"tEXt"
        + content
        + struct.pack(">I", zlib.crc32(b"tEXt" + content))
    )


def gif(before: bytes) -> bytes:
    data = saved("GIF", mode="P")
    place = 13 + (3 << (data[10] & 7) + 1 if data[10] & 128 else 0)
    return data[:place] + before + data[place:]


def bmp(runs: bytes) -> bytes:
    info = struct.pack("<IiiHHIIiiII", 40, 5_000, 5_000, 1, 8, 1, len(runs), 0, 0, 0, 0)
    return b"BM" + struct.pack("<IHHI", 54 + len(runs), 0, 0, 54) + info + runs


def scanned(count: int, side: int) -> bytes:
    data = saved("JPEG", side, "L", progressive=True)[:-2]
    return data + data[data.rfind(b"\xff\xda") :] * count + b"\xff\xd9"


SLOW = {
    "a JPEG of segments": jpeg(b"\xff\xee\0\2" * 1_000_000),
    "a JPEG of Exif": jpeg(EXIF * 65),
    "a JPEG of starts": jpeg(b"\xff\xd8" * 1_000_000),
    "a JPEG of ends": jpeg(b"\xff\xd9" * 1_000_000),
    "a JPEG of restarts": jpeg(b"\xff\xd0" * 1_000_000),
    "a JPEG of padding": jpeg(b"\xff" * 1_000_000),
    "a JPEG of escapes": jpeg(b"\xff\0" * 1_000_000),
    "a JPEG of zeros": jpeg(bytes(1_000_000)),
    "a PNG of texts": png(chunk(b"a\0b") * 200_000),
    "a GIF of comments": gif(b"!\xfe\0" * 1_000_000),
    "a GIF of one comment in pieces": gif(b"!\xfe" + b"\1a" * 1_000_000 + b"\0"),
    "a GIF of other bytes": gif(b"a" * 1_000_000),
    "a BMP of runs": bmp(b"\0\2\0\0" * 2_200_000),
    "a JPEG of large scans": scanned(60, 5_000),
    "a JPEG of small scans": scanned(70_000, 128),
}


@pytest.mark.parametrize("name", SLOW)
def test_rejects_many_blocks_quickly(name: str) -> None:
    codec = find(Kind.IMAGE, Format.PNG)
    assert codec is not None
    with (
        at_most(seconds=1),
        pytest.raises(RequestError, match=r"blocks|one block|scans|run-length"),
    ):
        codec.read(SLOW[name], {})


@pytest.mark.parametrize(
    "data",
    [
        jpeg(EXIF * 64),
        jpeg(b"\xff\xee\0\2" * 90_000),
        png(chunk(b"a\0b") * 90_000),
        gif(b"!\xfe" + b"\1a" * 90_000 + b"\0"),
        scanned(10, 16),
        scanned(1_000, 16),
        saved("JPEG", restart_marker_blocks=1, side=400),
        saved("TIFF"),
        saved("WEBP"),
        saved("BMP"),
    ],
)
def test_reads_cheap_blocks(data: bytes) -> None:
    codec = find(Kind.IMAGE, Format.PNG)
    assert codec is not None
    assert not np.any(codec.read(data, {}))


def test_scan_count_matches_libjpeg() -> None:
    """A thumbnail has its own scans, and so has data after the end of the image."""
    thumbnail = scanned(40, 16)
    data = jpeg(b"\xff\xe2" + struct.pack(">H", len(thumbnail) + 2) + thumbnail) + thumbnail * 40
    check_scans(data, 900_000_000)
    with pytest.raises(BodyTooLarge, match="at most 16 scans"):
        check_scans(thumbnail, 900_000_000)


@pytest.mark.parametrize("start", [b"\xff\xd8", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b""])
def test_truncated_file_is_left_to_pillow(start: bytes) -> None:
    for data in (start, start + b"\xff", start + b"!" * 13, start + b"\xff\xe1\xff\xff" * 4):
        check_blocks(data)
        check_scans(data, 0)


def test_warnings_are_not_accumulated() -> None:
    """Python keeps every warning that it has shown, and a file controls their text."""
    entries = b"".join(
        struct.pack("<HHII", tag, 4, 10_000_000, tag) for tag in range(40_000, 40_100)
    )
    data = b"II*\0" + struct.pack("<IH", 8, 100) + entries + bytes(1_000)
    codec = find(Kind.IMAGE, Format.TIFF)
    assert codec is not None
    with warnings.catch_warnings(record=True) as caught, pytest.raises(RequestError):
        codec.read(data, {})
    assert caught == []
