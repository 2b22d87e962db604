"""Pictures by Pillow: uint8 arrays of shape (height, width, 3), RGB, upright as EXIF says."""

from __future__ import annotations

import io
import warnings
from base64 import b64encode
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import BodyTooLarge, RequestError
from ..settings import Settings
from .base import Codec, JSONCodec, Kind, Options
from .file_binary import from_base64
from .formats import Format
from .image_blocks import check_blocks, check_scans

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

_PIXEL_SIZE = 3  # bytes
_MANY_PIXELS = 8_000_000
_FAST = {"method": 2, "compress_level": 1}
"""The effort of WebP and PNG for very many pixels: noise takes them half a second for a million."""
# The formats of cameras and browsers. For some others Pillow starts programs.
_READABLE = ("Png", "Jpeg", "WebP", "Bmp", "Gif", "Tiff")
# With the modules of these formats Pillow does not import those of all others in a request.
_MODULES = ("ImageOps", *(f"{format}ImagePlugin" for format in _READABLE))
_REQUIRES = {"PIL": "pillow", "numpy": "numpy", **{f"PIL.{name}": "pillow" for name in _MODULES}}


@cache
def _ignore_warnings() -> None:
    """Ignore Pillow's warnings: they quote a caller's file, and Python keeps each for ever."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def _read(data: bytes, options: Options) -> np.ndarray:
    import numpy as np
    from PIL import Image, ImageOps

    _ignore_warnings()
    check_blocks(data)
    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=_READABLE)
        max_size = options.get("max_decompressed", Settings.max_decompressed)
        _refuse_huge(picture, max_size // _PIXEL_SIZE)
        check_scans(data, picture.width * picture.height)
        ImageOps.exif_transpose(picture, in_place=True)
        picture = _eight_bits(picture)
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except (RequestError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_many_pixels(_pillow_limit()) from None
    except Exception:  # noqa: BLE001 - damaged pictures make decoders raise nearly anything
        raise RequestError("this picture cannot be read; send a PNG or a JPEG") from None


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return 16-bit gray as 8-bit gray; Pillow itself would clip it at 255."""
    import numpy as np
    from PIL import Image

    if picture.mode in {"I", "F"}:  # measurements: none of them is known to be white
        raise RequestError("expected a picture of 8 or 16 bits per channel, got 32")
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))


def _refuse_huge(picture: Image.Image, max_pixels: int) -> None:
    if picture.width * picture.height > min(max_pixels, _pillow_limit()):
        raise _too_many_pixels(max_pixels)


def _pillow_limit() -> int:
    """Return Pillow's own limit of pixels; Pillow only warns up to twice as many."""
    from PIL import Image

    return Image.MAX_IMAGE_PIXELS or 0


def _too_many_pixels(max_pixels: int) -> BodyTooLarge:
    limit = min(max_pixels, _pillow_limit())
    setting = " (the limit is MMF_MAX_DECOMPRESSED_MIB)" if limit == max_pixels else ""
    return BodyTooLarge(
        f"expected a picture of at most {limit:,} pixels; send a smaller one{setting}"
    )


def _write(value: np.ndarray, format: Format) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    effort = _FAST if value.shape[0] * value.shape[1] > _MANY_PIXELS else {}
    try:
        Image.fromarray(value).save(buffer, format.name, quality=95, **effort)
    except OSError:  # Pillow's encoders give no reason
        height, width, *_ = value.shape
        raise ValueError(
            f"{format.name} cannot hold a picture of {width} x {height} pixels"
        ) from None
    return buffer.getvalue()


class _Image(Codec["np.ndarray"]):
    kind = Kind.IMAGE
    requires: ClassVar = _REQUIRES

    def decode(self, data: bytes, options: Options) -> np.ndarray:
        return _read(data, options)

    def encode(self, value: np.ndarray, options: Options) -> bytes:
        return _write(value, self.format)


class ImagePNG(_Image):
    """Lossless."""

    format = Format.PNG


class ImageJPEG(_Image):
    """Lossy, quality 95."""

    format = Format.JPEG


class ImageWEBP(_Image):
    """Lossy, quality 95; 16,383 pixels a side at most."""

    format = Format.WEBP


class ImageGIF(_Image):
    """The first picture of it; read only."""

    format = Format.GIF
    writes: ClassVar = False


class ImageBMP(_Image):
    """Read only."""

    format = Format.BMP
    writes: ClassVar = False


class ImageTIFF(_Image):
    """The first picture of it; read only."""

    format = Format.TIFF
    writes: ClassVar = False


class ImageJSON(JSONCodec["np.ndarray"]):
    """A picture file as base64 in a JSON text; PNG on the way out."""

    kind = Kind.IMAGE
    wraps = True
    requires: ClassVar = _REQUIRES

    def from_plain(self, plain: Any, options: Options) -> np.ndarray:
        return _read(from_base64(plain), options)

    def to_plain(self, value: np.ndarray) -> str:
        return b64encode(_write(value, Format.PNG)).decode()
