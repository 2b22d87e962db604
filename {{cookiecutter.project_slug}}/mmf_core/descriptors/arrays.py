"""NumPy arrays of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from ..codecs import Kind
from ..errors import InvalidValue
from .base import Descriptor

if TYPE_CHECKING:
    import numpy as np


@dataclass(kw_only=True, eq=False)
class Array(Descriptor["np.ndarray"]):
    """An array of numbers of any shape, such as (objects, features)."""

    kind: ClassVar[Kind] = Kind.ARRAY

    def check(self, value: Any) -> np.ndarray:
        import numpy as np

        try:
            array = np.asarray(value)
        except ValueError:
            raise InvalidValue("an array cannot be made of lists of different lengths") from None
        if array.dtype.kind not in "biuf":
            raise InvalidValue(f"numbers are wanted, not {array.dtype}")
        return array

    def rows(self, value: Any) -> int | None:
        return len(value) if value.ndim else None

    def example(self) -> Any:
        return [[1.5, 2.0], [3.0, 4.5]]
