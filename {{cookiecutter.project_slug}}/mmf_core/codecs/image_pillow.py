"""Pictures by Pillow: uint8 arrays of shape (height, width, 3), RGB, upright as EXIF says."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import BodyTooLarge, RequestError
from ..settings import Settings
from .base import Codec, JSONCodec, Kind, Options
from .file_binary import from_base64
from .formats import Format

if TYPE_CHECKING:
    import numpy as np
    from PIL import Image

_REQUIRES = {"PIL": "pillow", "numpy": "numpy"}
_COLOURS = 3  # bytes for each pixel


# What cameras and browsers make; Pillow knows more, some of it by starting other programs.
_READABLE = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")


def _read(data: bytes, options: Options) -> np.ndarray:
    import numpy as np
    from PIL import Image, ImageOps

    try:
        picture: Image.Image = Image.open(io.BytesIO(data), formats=_READABLE)
        _refuse_huge(
            picture, options.get("max_decompressed", Settings.max_decompressed) // _COLOURS
        )
        ImageOps.exif_transpose(picture, in_place=True)
        picture = _eight_bits(picture)
        return np.asarray(picture if picture.mode == "RGB" else picture.convert("RGB"))
    except (RequestError, MemoryError):
        raise
    except (Image.DecompressionBombWarning, Image.DecompressionBombError):
        raise _too_many_pixels(_most_pixels()) from None
    except Exception:  # noqa: BLE001 - damaged pictures make decoders raise nearly anything
        raise RequestError("this is not a picture that can be read; send a PNG or a JPEG") from None


def _eight_bits(picture: Image.Image) -> Image.Image:
    """Return gray of 16 bits as gray of 8; Pillow itself would cut it off at 255."""
    import numpy as np
    from PIL import Image

    if picture.mode in {"I", "F"}:  # measurements: nobody knows which of them is white
        raise RequestError("a picture of 8 or 16 bits is wanted, not of 32")
    if not picture.mode.startswith("I;16"):
        return picture
    return Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))


def _refuse_huge(picture: Image.Image, most: int) -> None:
    if picture.width * picture.height > min(most, _most_pixels()):
        raise _too_many_pixels(most)


def _most_pixels() -> int:
    """Return Pillow's own limit, of which it only warns, up to twice as many."""
    from PIL import Image

    return Image.MAX_IMAGE_PIXELS or 0


def _too_many_pixels(most: int) -> BodyTooLarge:
    own = "; the operator's setting is MMF_MAX_DECOMPRESSED_MIB" if most < _most_pixels() else ""
    return BodyTooLarge(f"a picture may have {min(most, _most_pixels()):,} pixels at most{own}")


def _write(value: np.ndarray, format: Format) -> bytes:
    from PIL import Image

    buffer = io.BytesIO()
    try:
        Image.fromarray(value).save(buffer, format.name, quality=95)
    except OSError:  # Pillow's encoders do not say why
        height, width, *_ = value.shape
        raise ValueError(f"a picture of {width} x {height} pixels does not fit in it") from None
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
