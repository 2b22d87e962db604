"""Whether two versions returned the same result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..codecs import as_frame
from ..column_dtypes import is_null

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

TOLERANCE = 1e-6
"""Relative; floats that differ by less are the same: sums may be in another order."""
_NUMBERS = "biuf"


def same(expected: Any, actual: Any) -> bool:
    """Report whether two results are the same, except for the last digits of floats."""
    expected, actual = as_frame(expected), as_frame(actual)
    if hasattr(expected, "columns") or hasattr(actual, "columns"):
        return _same_tables(expected, actual)
    if hasattr(expected, "dtype") or hasattr(actual, "dtype"):
        return _same_arrays(expected, actual)
    if isinstance(expected, Mapping) and isinstance(actual, Mapping):
        return expected.keys() == actual.keys() and all(
            same(value, actual[key]) for key, value in expected.items()
        )
    if isinstance(expected, list | tuple) and isinstance(actual, list | tuple):
        return len(expected) == len(actual) and all(map(same, expected, actual))
    if isinstance(expected, float) and isinstance(actual, float):
        return _same_floats(expected, actual)
    return type(expected) is type(actual) and bool(expected == actual)


def differing(expected: pd.Series[Any], actual: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return a mask of the cells of two columns of the same length that are not the same."""
    import numpy as np

    if expected.dtype.kind in _NUMBERS and actual.dtype.kind in _NUMBERS:
        old, new = (column.to_numpy(float, na_value=np.nan) for column in (expected, actual))
        same_numbers = np.isclose(new, old, rtol=TOLERANCE, atol=0, equal_nan=True)
        return np.array(~same_numbers)
    pairs = zip(expected.tolist(), actual.tolist(), strict=True)
    return np.array([not _same_cells(old, new) for old, new in pairs], dtype=bool)


def _same_tables(expected: Any, actual: Any) -> bool:
    if not (hasattr(expected, "columns") and hasattr(actual, "columns")):
        return False
    if expected.shape != actual.shape or list(expected.columns) != list(actual.columns):
        return False
    return all(
        _same_arrays(expected.iloc[:, index].to_numpy(), actual.iloc[:, index].to_numpy())
        for index in range(expected.shape[1])
    )


def _same_arrays(expected: Any, actual: Any) -> bool:
    import numpy as np

    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.shape != actual.shape:
        return False
    if expected.dtype.kind in "fc" and actual.dtype.kind in "fciu":
        return bool(np.allclose(actual, expected, rtol=TOLERANCE, atol=0, equal_nan=True))
    if expected.dtype.kind == "O" or actual.dtype.kind == "O":
        return all(map(_same_cells, expected.ravel().tolist(), actual.ravel().tolist()))
    return bool(np.array_equal(expected, actual))


def _same_cells(expected: Any, actual: Any) -> bool:
    return (expected is actual) or (is_null(expected) and is_null(actual)) or same(expected, actual)


def _same_floats(expected: float, actual: float) -> bool:
    if math.isnan(expected) or math.isnan(actual):
        return math.isnan(expected) and math.isnan(actual)
    return math.isclose(expected, actual, rel_tol=TOLERANCE)
