"""Pictures as PNG, JPEG and base64."""

import io
from base64 import b64decode, b64encode
from typing import Any

import numpy as np
import PIL.Image
import pytest

from mmf_core.codecs import Codec, Format, Kind, find, json
from mmf_core.errors import BodyTooLarge, InvalidValue, RequestError

PICTURE = np.array([[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[9, 8, 7]] * 3], dtype=np.uint8)
ORIENTATION = 0x0112  # EXIF's tag


def _codec(form: Format) -> Codec[Any]:
    codec = find(Kind.IMAGE, form)
    assert codec is not None
    return codec


PNG, JPEG, IN_JSON = _codec(Format.PNG), _codec(Format.JPEG), _codec(Format.JSON)


def _file(picture: PIL.Image.Image, form: str = "PNG", **how: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, form, **how)
    return buffer.getvalue()


def test_png_keeps_every_pixel() -> None:
    assert np.array_equal(PNG.decode(PNG.encode(PICTURE, {}), {}), PICTURE)


def test_jpeg_keeps_a_plain_colour_nearly() -> None:
    plain = np.full((16, 16, 3), (200, 100, 50), dtype=np.uint8)
    data = JPEG.encode(plain, {})
    assert data.startswith(b"\xff\xd8\xff")
    assert np.abs(JPEG.decode(data, {}).astype(int) - plain).max() <= 2


def test_a_picture_inside_json_is_a_png_in_base64() -> None:
    envelope = json.loads(IN_JSON.encode(PICTURE, {}))
    assert b64decode(envelope["result"]).startswith(b"\x89PNG")
    assert np.array_equal(IN_JSON.decode(json.dumps(envelope["result"]), {}), PICTURE)


def test_gray_is_written_as_gray_and_read_as_rgb() -> None:
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
def test_every_mode_of_a_file_is_read_as_rgb(mode: str, colour: Any, rgb: tuple[int, ...]) -> None:
    picture = PNG.decode(_file(PIL.Image.new(mode, (3, 2), colour)), {})
    assert (picture.shape, picture.dtype) == ((2, 3, 3), np.uint8)
    assert (picture == rgb).all()


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
def test_a_photograph_is_turned_upright(orientation: int, upright: np.ndarray) -> None:
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
def test_a_broken_picture_is_the_callers_fault(data: bytes) -> None:
    for codec, sent in ((PNG, data), (IN_JSON, json.dumps(b64encode(data).decode()))):
        with pytest.raises(RequestError, match="picture") as caught:
            codec.decode(sent, {})
        assert caught.value.status == 400


@pytest.mark.parametrize("data", [b"5", b'"no base64!"', b"[]"])
def test_a_picture_inside_json_must_be_base64(data: bytes) -> None:
    with pytest.raises(InvalidValue, match="base64"):
        IN_JSON.decode(data, {})


@pytest.mark.parametrize("side", [15, 50])
def test_a_picture_of_too_many_pixels_is_refused_unread(
    side: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = _file(PIL.Image.new("RGB", (side, 10)))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BodyTooLarge, match="100 pixels"):
        PNG.decode(data, {})


@pytest.mark.filterwarnings("ignore")  # Pillow only warns of so few
def test_a_picture_of_a_few_pixels_too_many_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = _file(PIL.Image.new("RGB", (15, 10)))
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(BodyTooLarge, match="100 pixels"):
        PNG.decode(data, {})


def test_lack_of_memory_is_not_the_callers_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise MemoryError

    monkeypatch.setattr(PIL.Image, "open", exhausted)
    with pytest.raises(MemoryError):
        PNG.decode(b"", {})
