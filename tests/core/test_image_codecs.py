"""Pictures as PNG, JPEG and base64."""

import io
import random
import struct
import zlib
from base64 import b64decode, b64encode
from contextlib import suppress
from time import perf_counter
from typing import Any

import numpy as np
import PIL.Image
import pytest

from cpu_time import at_most
from mmf_core.codecs import Codec, Format, Kind, find, json
from mmf_core.errors import BodyTooLarge, InvalidValue, RequestError

PICTURE = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 8, 7]] * 3], dtype=np.uint8)
ORIENTATION = 0x0112  # EXIF's tag


def _codec(form: Format) -> Codec[Any]:
    codec = find(Kind.IMAGE, form)
    assert codec is not None
    return codec


PNG, JPEG, IN_JSON = _codec(Format.PNG), _codec(Format.JPEG), _codec(Format.JSON)
WEBP = _codec(Format.WEBP)


def _file(picture: PIL.Image.Image, form: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **how)
    return buffer.getvalue()


def test_png_round_trip() -> None:
    assert np.array_equal(PNG.decode(PNG.encode(PICTURE, {}), {}), PICTURE)


@pytest.mark.parametrize(("codec", "magic"), [(JPEG, b"\xff\xd8\xff"), (WEBP, b"RIFF")])
def test_lossy_formats_are_close(codec: Codec[Any], magic: bytes) -> None:
    plain = np.full((16, 16, 3), (200, 100, 50), dtype=np.uint8)
    data = codec.encode(plain, {})
    assert data.startswith(magic)
    assert np.abs(codec.decode(data, {}).astype(int) - plain).max() <= 3


def test_json_image_is_base64_png() -> None:
    envelope = json.loads(IN_JSON.encode(PICTURE, {}))
    assert b64decode(envelope["result"]).startswith(b"\x89PNG")
    assert np.array_equal(IN_JSON.decode(json.dumps(envelope["result"]), {}), PICTURE)


def test_gray_image_is_read_as_rgb() -> None:
    gray = np.array([[0, 128], [200, 255]], dtype=np.uint8)
    assert np.array_equal(PNG.decode(PNG.encode(gray, {}), {}), np.stack([gray] * 3, axis=-1))


@pytest.mark.parametrize(
    ("mode", "colour", "rgb"),
    [
        ("L", 200, (200, 200, 200)),
        ("LA", (5, 0), (5, 5, 5)),
        ("RGBA", (10, 20, 30, 0), (10, 20, 30)),
        ("1", 1, (255, 255, 255)),
    ],
)
def test_every_image_mode_is_read_as_rgb(mode: str, colour: Any, rgb: tuple[int, ...]) -> None:
    picture = PNG.decode(_file(PIL.Image.new(mode, (3, 2), colour)), {})
    assert (picture.shape, picture.dtype) == ((2, 3, 3), np.uint8)
    assert (picture == rgb).all()


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF"])
def test_format_is_detected_from_the_content(form: str) -> None:
    data = _file(PIL.Image.new("RGB", (3, 2), (255, 255, 255)), form)
    for codec in (_codec(Format[form]), PNG):  # whatever the client calls it
        assert (codec.decode(data, {}) >= 250).all()


@pytest.mark.parametrize("kind", [np.float32, np.int32])
def test_rejects_float_images(kind: Any) -> None:
    data = _file(PIL.Image.fromarray(np.ones((2, 2), dtype=kind)), "TIFF")
    with pytest.raises(RequestError, match="8 or 16 bits"):
        PNG.decode(data, {})


@pytest.mark.parametrize("form", ["PNG", "TIFF"])
def test_gray_of_16_bits_is_scaled(form: str) -> None:
    deep = np.array([[0, 256, 40_000, 65_535]], dtype=np.uint16)
    picture = PNG.decode(_file(PIL.Image.fromarray(deep), form), {})
    assert picture[0].tolist() == [[gray] * 3 for gray in (0, 1, 156, 255)]


@pytest.mark.parametrize(("codec", "side"), [(JPEG, 66_000), (WEBP, 17_000)])
def test_rejects_image_too_large_for_the_format(codec: Codec[Any], side: int) -> None:
    with pytest.raises(ValueError, match=r"66000 x 1 |WebP"):
        codec.encode(np.zeros((1, side, 3), dtype=np.uint8), {})


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_rejects_pixel_bomb_before_decoding() -> None:
    header = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 2, 0, 0, 0)
    start = b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header)
    data = start + _chunk(b"IDAT", zlib.compress(b"\x00" * 1_000)) + _chunk(b"IEND", b"")
    assert len(data) < 1_000
    with pytest.raises(BodyTooLarge, match="pixels"):
        PNG.decode(data, {})


@pytest.mark.filterwarnings("ignore")  # Pillow's, of damaged EXIF
@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP"])
def test_corrupted_images_raise_request_errors(form: str) -> None:
    photograph = PIL.Image.effect_noise((24, 16), 50).convert("RGB")
    exif = photograph.getexif()
    exif[ORIENTATION] = 6
    how = {"exif": exif} if form in {"PNG", "JPEG", "WEBP", "TIFF"} else {}
    valid, draw = _file(photograph, form, **how), random.Random(form)
    until, tried = perf_counter() + 0.4, 0
    while perf_counter() < until:
        data = bytearray(valid)
        for _ in range(draw.randint(1, 6)):
            # Headers matter more than pixels.
            place = draw.randrange(min(len(data), draw.choice([60, 200, len(data)])))
            if draw.random() < 0.7:
                data[place] = draw.randrange(256)
            else:
                del data[place : place + draw.randint(1, 9)]
        with suppress(RequestError):
            picture = PNG.decode(bytes(data), {})
            assert (picture.dtype, picture.ndim) == (np.uint8, 3)
        tried += 1
    assert tried > 50


@pytest.mark.parametrize(
    ("orientation", "upright"),
    [
        (1, PICTURE),
        (2, PICTURE[:, ::-1]),
        (3, PICTURE[::-1, ::-1]),
        (6, np.rot90(PICTURE, -1)),
        (8, np.rot90(PICTURE)),
    ],
)
def test_exif_orientation_is_applied(orientation: int, upright: np.ndarray) -> None:
    picture = PIL.Image.fromarray(PICTURE)
    exif = picture.getexif()
    exif[ORIENTATION] = orientation
    assert np.array_equal(PNG.decode(_file(picture, exif=exif), {}), upright)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"a,b\n1,2\n", id="csv"),
        pytest.param(_file(PIL.Image.effect_noise((40, 40), 50))[:-60], id="cut off"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"\x00" * 30, id="damaged header"),
    ],
)
def test_invalid_image_raises_request_error(data: bytes) -> None:
    for codec, sent in ((PNG, data), (IN_JSON, json.dumps(b64encode(data).decode()))):
        with pytest.raises(RequestError, match="picture") as caught:
            codec.decode(sent, {})
        assert caught.value.status == 400


@pytest.mark.parametrize("data", [b"5", b'"no base64!"', b"[]"])
def test_rejects_json_image_that_is_not_base64(data: bytes) -> None:
    with pytest.raises(InvalidValue, match="base64"):
        IN_JSON.decode(data, {})


@pytest.mark.parametrize("side", [15, 50])
def test_rejects_too_many_pixels_before_decoding(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _file(PIL.Image.new("RGB", (side, 10)))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BodyTooLarge, match="100 pixels"):
        PNG.decode(data, {})


@pytest.mark.filterwarnings("ignore")  # Pillow only warns of so few
def test_pixel_limit_is_exact(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _file(PIL.Image.new("RGB", (15, 10)))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BodyTooLarge, match="100 pixels"):
        PNG.decode(data, {})


def test_memory_error_is_not_a_request_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PIL.Image, "open", exhausted)
    with pytest.raises(MemoryError):
        PNG.decode(b"", {})


@pytest.mark.parametrize("codec", [PNG, WEBP])
def test_encoding_noise_is_fast(codec: Codec[Any]) -> None:
    """32 million in black and white took 15 seconds as WebP: half a second for each million."""
    bits = np.random.default_rng(7).integers(0, 2, (1_000, 9_000), np.uint8)
    picture = np.repeat(bits[:, :, None] * np.uint8(255), 3, 2)
    with at_most(seconds=3):
        data = codec.encode(picture, {})
    if codec is PNG:
        assert np.array_equal(codec.read(data, {}), picture)
