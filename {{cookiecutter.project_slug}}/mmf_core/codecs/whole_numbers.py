"""Whole numbers that are too long for floats."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from ..errors import InvalidValue, quoted
from .masked_arrays import python_value

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

MAX_EXACT_FLOAT = 2**53
"""Up to here a float holds every whole number; above it, it may have lost digits."""

_FLOAT_DIGITS = 16  # of 2**53
_PIECE_SIZE = 1 << 16


def has_many_digits(text: bytes, count: int = _FLOAT_DIGITS) -> bool:
    """Return whether `count` digits follow each other, other than after a point.

    By default, as many as a whole number has that a float may not hold.
    """
    import numpy as np

    characters = np.frombuffer(text, np.uint8)
    return any(
        _has_run(
            characters[max(start - 1, 0) : start + _PIECE_SIZE + count], count, is_first=not start
        )
        for start in range(0, len(text), _PIECE_SIZE)
    )


def _has_run(characters: np.ndarray, count: int, *, is_first: bool) -> bool:
    """Return whether `count` digits follow each other in a piece, which stays in the cache.

    Its first character is that before the piece, unless the text begins here.
    """
    runs = (characters - ord("0")) < 10  # noqa: PLR2004 - unsigned: a smaller one is a large number
    is_inside = runs | (characters == ord("."))
    digits = 1
    while digits < count:
        step = min(digits, count - digits)  # the digits that follow each other, doubled
        runs = runs[step:] & runs[:-step]
        digits += step
    begins = runs[1:] & ~is_inside[: max(len(runs) - 1, 0)]
    return bool((is_first and runs[:1].any()) or begins.any())


def max_exact_float(number_or_type: Any) -> int:
    """Return up to where a type of floats holds every whole number: 2**24 for 32 bits."""
    import numpy as np

    dtype = getattr(number_or_type, "dtype", number_or_type)
    bits = int(np.finfo(getattr(dtype, "numpy_dtype", dtype)).nmant) + 1
    return min(1 << bits, MAX_EXACT_FLOAT)


def exact_array(
    floats: np.ndarray, cells: Callable[[], Iterable[int | float | None]]
) -> np.ndarray:
    """Return an array of floats as int64 or uint64 if floats are too coarse for the cells.

    `cells` returns all of them. InvalidValue if no type holds every digit.
    """
    import numpy as np

    if not (np.abs(floats) >= MAX_EXACT_FLOAT).any():
        return floats
    numbers = list(map(python_value, cells()))
    integers = [number if type(number) is int else _integer(number) for number in numbers]
    if None not in integers:
        for dtype in (np.int64, np.uint64):
            with suppress(OverflowError):
                return np.array(integers, dtype).reshape(floats.shape)
    for number in numbers:
        if type(number) is int and number != float(number):
            raise InvalidValue(
                f"expected numbers that one type holds exactly, got {quoted(number)} together "
                "with fractions, nulls or numbers of another sign; send integers only, or "
                "shorter ones"
            )
    return floats


def _integer(number: int | float | None) -> int | None:
    """Return a whole float as an integer, unless it may stand for another number."""
    is_exact = isinstance(number, float) and number.is_integer() and abs(number) < MAX_EXACT_FLOAT
    return int(number) if number is not None and is_exact else None


def integers_with_nulls(values: np.ndarray, empty: np.ndarray) -> Any:
    """Return floats with NaN for the `empty` ones, or pandas' Int64 or UInt64 if these lose digits.

    `values` are int64 or uint64.
    """
    import numpy as np
    import pandas as pd

    floats = values.astype(np.float64)
    floats[empty] = np.nan
    if (np.abs(floats) >= MAX_EXACT_FLOAT).any():
        return pd.arrays.IntegerArray(values, empty)
    return floats


def number_column(numbers: Sequence[int | float | None]) -> pd.Series[Any]:
    """Return a column of the first type that holds all digits.

    That is float64 if there are fractions; else int64 or uint64, and with nulls pandas' Int64 or
    UInt64. If none of them does, the column holds Python's numbers.
    """
    import pandas as pd

    integers = [number for number in numbers if isinstance(number, int)]
    lowest, highest = min(integers, default=0), max(integers, default=0)
    dtype: Any = object
    if any(isinstance(number, float) for number in numbers):
        if lowest > -MAX_EXACT_FLOAT and highest < MAX_EXACT_FLOAT:
            dtype = "float64"
    elif lowest >= -(2**63) and highest < 2**63:
        dtype = "int64" if len(integers) == len(numbers) else "Int64"
    elif lowest >= 0 and highest < 2**64:
        dtype = "uint64" if len(integers) == len(numbers) else "UInt64"
    return pd.Series(numbers, dtype=dtype)
