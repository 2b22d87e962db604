"""Arrays of numbers as nested JSON lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue
from .base import JSONCodec, Kind, Options

if TYPE_CHECKING:
    import numpy as np


class ArrayJSON(JSONCodec["np.ndarray"]):
    """Row-major nested lists; null is NaN."""

    kind = Kind.ARRAY
    requires: ClassVar = {"numpy": "numpy"}

    def from_plain(self, plain: Any, options: Options) -> np.ndarray:
        import numpy as np

        if not isinstance(plain, list):
            raise InvalidValue(
                "an array is a JSON list of numbers, or of such lists of equal length"
            )
        try:
            array = np.array(plain)
            if array.dtype == object and not any(isinstance(one, str) for one in array.flat):
                array = array.astype(np.float64)  # null among the numbers
        except (ValueError, TypeError):
            raise InvalidValue(
                "an array's lists must be of equal length and hold numbers only"
            ) from None
        if array.dtype.kind not in "biuf":
            raise InvalidValue("an array holds numbers only")
        return array

    def to_plain(self, value: np.ndarray) -> Any:
        import numpy as np

        return np.ascontiguousarray(value) if value.ndim else value.item()
