"""Images as arrays, in the channel order that the function expects."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from os import PathLike
from typing import TYPE_CHECKING, Any, ClassVar

from ..codecs import Format, Kind, json_of, unmasked
from ..errors import DescriptorError, InvalidValue
from .base import Descriptor
from .examples import base64_of
from .json_schemas import BASE64

if TYPE_CHECKING:
    import numpy as np


class ColorMode(Enum):
    """Order of the channels (name from MMF)."""

    RGB = "rgb"
    BGR = "bgr"
    GRAY = "gray"


@dataclass(kw_only=True, eq=False)
class Image(Descriptor["np.ndarray"]):
    """An image: `numpy.ndarray` of uint8, (height, width, 3), or (height, width) for gray.

    A result may have either shape, whatever the colour mode (names from MMF).

    - `color`, `format`: the order of the channels: `"rgb"`, `"bgr"` as in OpenCV, or `"gray"`;
      RGB if both are missing.
    - `out_format`: the file format of a result unless the client requests another, such as
      `"jpg"`.
    - `example`: an array, or the path of a picture.

    >>> mmf.Img(format="gray", out_format="jpg").output_format
    <Format.JPEG: (('image/jpeg', 'image/jpg'), ('jpg', 'jpeg', 'jpe'))>
    """

    color: ColorMode | str | None = None

    kind: ClassVar[Kind] = Kind.IMAGE
    preferred: ClassVar[Format] = Format.PNG
    is_file: ClassVar[bool] = True

    def __post_init__(self) -> None:
        mode, self.format = self.format, None
        if isinstance(mode, Format):
            raise DescriptorError(
                f"format= of an image is its colour mode; write out_format={mode.name}"
            )
        try:
            self.color = ColorMode(self.color or mode or ColorMode.RGB)
        except ValueError:
            modes = ", ".join(mode.value for mode in ColorMode)
            raise DescriptorError(
                f"colour mode {self.color or mode!r}: expected one of {modes}"
            ) from None
        super().__post_init__()

    def validate(self, value: Any) -> np.ndarray:
        import numpy as np

        if self.color is ColorMode.BGR:
            return np.ascontiguousarray(value[:, :, ::-1])
        if self.color is ColorMode.GRAY:
            # ITU-R BT.601 luma, the weights that both OpenCV and Pillow use.
            luma: np.ndarray = np.rint(value @ np.array([0.299, 0.587, 0.114]))
            return luma.astype(np.uint8)
        return np.asarray(value)

    def to_output(self, result: Any) -> np.ndarray:
        import numpy as np

        array = np.asarray(unmasked(result))
        is_gray, is_coloured = array.ndim == 2, array.ndim == 3 and array.shape[2] == 3  # noqa: PLR2004
        if array.dtype != np.uint8 or not (is_gray or is_coloured) or not array.size:
            hint = "; from 0…1: (result * 255).astype('uint8')" if array.dtype.kind == "f" else ""
            raise InvalidValue(
                "expected a uint8 array of shape (height, width, 3) or (height, width), "
                f"got {array.dtype} of shape {array.shape}{hint}"
            )
        flipped = is_coloured and self.color is ColorMode.BGR
        return np.ascontiguousarray(array[:, :, ::-1] if flipped else array)

    def to_plain(self, example: Any) -> Any:
        if isinstance(example, bytes | str | PathLike):
            return base64_of(example)
        return json_of(self.kind).to_plain(self.to_output(example))

    def guess(self) -> Any:
        # A PNG of one white pixel.
        return (
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGP4DwABAQEAG7bK"
            "XgAAAABJRU5ErkJggg=="
        )

    def json_schema(self) -> dict[str, Any]:
        return {**BASE64, "contentMediaType": "image/png"}

    def meta(self) -> dict[str, Any]:
        return {**super().meta(), "color": ColorMode(self.color).value}


Img = Image
