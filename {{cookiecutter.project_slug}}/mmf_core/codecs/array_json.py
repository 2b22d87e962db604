"""Arrays of numbers as nested JSON lists."""

from __future__ import annotations

from itertools import chain
from operator import index
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue
from .base import JSONCodec, Kind, Options
from .columns import bad_cells, rows_of
from .whole_numbers import unrounded

if TYPE_CHECKING:
    import numpy as np


class ArrayJSON(JSONCodec["np.ndarray"]):
    """Row-major nested lists; null is NaN. With the option `columns` also a table's JSON."""

    kind = Kind.ARRAY
    requires: ClassVar = {"numpy": "numpy"}

    def from_plain(self, plain: Any, options: Options) -> np.ndarray:
        import numpy as np

        columns = options.get("columns")
        if columns:
            plain = rows_of(plain, columns)
        if not isinstance(plain, list):
            raise InvalidValue(
                "an array is a JSON list of numbers, or of such lists of equal length"
            )
        try:
            array = _rows(plain) if columns else _nested(plain)
            if array.dtype.kind == "f" and not columns:
                array = unrounded(
                    array, lambda: [index(one) for one in np.array(plain, object).flat]
                )
            if array.dtype == object:
                array = array.astype(np.float64)  # null among the numbers
        except (ValueError, TypeError, OverflowError):
            raise InvalidValue(
                "an array's lists must be of equal length and hold numbers only",
                bad_cells(plain, columns or (), gaps=not columns),
            ) from None
        if array.dtype.kind not in "biuf":
            faults = bad_cells(plain, columns or (), gaps=not columns)
            raise InvalidValue("an array holds numbers only", faults)
        return array

    def to_plain(self, value: np.ndarray) -> Any:
        import numpy as np

        native = value.dtype.newbyteorder("=")
        return np.ascontiguousarray(value, native) if value.ndim else value.item()


def _nested(lists: list[Any]) -> np.ndarray:
    """Return nested lists as an array; TypeError if anything but numbers, bools and null is in it.

    NumPy would make room for the longest text in every cell.
    """
    import numpy as np

    level = [lists]
    while level:
        if not set(map(type, chain.from_iterable(level))) <= {float, int, bool, NoneType, list}:
            raise TypeError
        level = [part for one in level for part in one if type(part) is list]
    return np.array(lists)


def _rows(rows: list[Any]) -> np.ndarray:
    """Return rows of numbers and nulls as floats; TypeError for true, texts and all else."""
    import numpy as np

    if not set(map(type, chain.from_iterable(rows))) <= {float, int, NoneType}:
        raise TypeError
    return np.array(rows, dtype=np.float64)
