"""Arrays of numbers as nested JSON lists."""

from __future__ import annotations

from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar

from ..errors import InvalidValue
from .array_columns import bad_cells, rows_of
from .base import JSONCodec, Kind, Options
from .decoded_size import JSON_WEIGHTS
from .encoded_size import check_array
from .whole_numbers import exact_array

if TYPE_CHECKING:
    import numpy as np

_MOST_VALUES = 60_000_000


class ArrayJSON(JSONCodec["np.ndarray"]):
    """Row-major nested lists; null is NaN. With the option `columns` also a table's JSON.

    Integers that a float cannot hold are integers, or an error beside anything else; with the
    option `floats` they are the nearest floats.
    """

    kind = Kind.ARRAY
    requires: ClassVar = {"numpy": "numpy"}
    memory_weights: ClassVar = JSON_WEIGHTS

    def from_plain(self, plain: Any, options: Options) -> np.ndarray:
        import numpy as np

        columns = options.get("columns")
        if columns:
            plain = rows_of(plain, columns)
        if not isinstance(plain, list):
            raise InvalidValue(
                "expected a JSON list of numbers for an array, or of such lists of equal length"
            )
        try:
            array = _rows(plain) if columns else _nested(plain)
            if array.dtype == object:
                array = array.astype(np.float64)  # nulls, or integers of more than 64 bits
            if array.dtype.kind == "f" and not options.get("floats"):
                array = exact_array(array, lambda: np.array(plain, object).flat)
        except InvalidValue:
            raise
        except (ValueError, TypeError, OverflowError):
            raise InvalidValue(
                "expected the lists of an array to be of equal length and to hold numbers only",
                bad_cells(plain, columns or (), gaps=not columns),
            ) from None
        if array.dtype.kind not in "biuf":
            errors = bad_cells(plain, columns or (), gaps=not columns)
            raise InvalidValue("expected numbers only in an array", errors)
        return array

    def to_plain(self, value: np.ndarray) -> Any:
        import numpy as np

        check_array(value.shape, "JSON", _MOST_VALUES)
        native = value.dtype.newbyteorder("=")
        return np.ascontiguousarray(value, native) if value.ndim else value.item()


def _nested(lists: list[Any]) -> np.ndarray:
    """Return nested lists as an array; TypeError for anything but numbers, bools and null.

    NumPy would allocate the longest text for every cell.
    """
    import numpy as np

    level = [lists]
    while level:
        if not set(map(type, chain.from_iterable(level))) <= {float, int, bool, NoneType, list}:
            raise TypeError
        level = [child for lists in level for child in lists if type(child) is list]
    return np.array(lists)


def _rows(rows: list[Any]) -> np.ndarray:
    """Return rows of numbers and nulls as floats; TypeError for anything else."""
    import numpy as np

    if not set(map(type, chain.from_iterable(rows))) <= {float, int, NoneType}:
        raise TypeError
    return np.array(rows, dtype=np.float64)
