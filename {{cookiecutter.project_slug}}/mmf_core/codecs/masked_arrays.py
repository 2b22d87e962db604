"""NumPy's masked arrays: a masked value is null, and the value behind it is never sent."""

from __future__ import annotations

from typing import Any


def unmasked(value: Any) -> Any:
    """Return an array with NaN, NaT or None in place of masked values, anything else as it is.

    A structured array keeps its masks: each of its fields has one.
    """
    import numpy as np

    if not isinstance(value, np.ma.MaskedArray) or value.dtype.names:
        return value
    array, mask = value.data, np.ma.getmaskarray(value)
    match array.dtype.kind:
        case _ if not mask.any():
            return array
        case "f" | "c":
            null: Any = np.nan
        case "M" | "m":
            null = np.array("NaT", array.dtype)
        case _:
            null, array = None, array.astype(object)
    return np.where(mask, null, array)


def python_value(value: Any) -> Any:
    """Return the Python value of a NumPy scalar or one-element array, None if it is masked."""
    if is_masked(value):
        return None
    return value.item() if hasattr(value, "item") else value


def is_masked(value: Any) -> bool:
    """Return whether it is one value that is masked."""
    return type(value).__name__ == "MaskedConstant" or (
        hasattr(value, "filled") and value.size == 1 and bool(value.mask.all())
    )
