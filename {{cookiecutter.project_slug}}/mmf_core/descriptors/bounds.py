"""Bounds of numbers and dates, and choices, for messages and for JSON Schema.

Names are those of Python's `operator` module: ge, gt, le, lt.
"""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from datetime import date
from math import inf, isfinite, nextafter
from typing import TYPE_CHECKING, Any

from ..errors import quoted

if TYPE_CHECKING:
    import numpy as np

IS_OUTSIDE = {"ge": operator.lt, "gt": operator.le, "le": operator.gt, "lt": operator.ge}
"""The relation of an invalid value to its bound."""
MAX_SHOWN = 10
"""Choices in a message."""
_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_KEYWORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def with_bounds(type_label: str, bounds: Mapping[str, Any]) -> str:
    """Return what a value must be, for messages: `a number >= 0 and <= 14`."""
    limits = " and ".join(f"{_SIGNS[name]} {bound}" for name, bound in bounds.items())
    return f"{type_label} {limits}" if limits else type_label


def one_of(choices: Sequence[Any]) -> str:
    """Return what a value must be, for messages: `one of "red", "white"`."""
    more = ", …" * (len(choices) > MAX_SHOWN)
    return f"one of {', '.join(map(quoted, choices[:MAX_SHOWN]))}{more}"


def bounds_schema(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema keywords for finite numbers; it has none for dates."""
    return {
        _KEYWORDS[name]: bound
        for name, bound in bounds.items()
        if not isinstance(bound, date) and isfinite(bound)
    }


def allows(bounds: Mapping[str, Any], value: Any) -> bool:
    """Return whether a value is within the bounds."""
    return not any(IS_OUTSIDE[name](value, bound) for name, bound in bounds.items())


def narrowest(name: str, bound: Any, bounds: Mapping[str, Any]) -> Any:
    """Return the narrower of a bound and that of the same name, if there is one."""
    return (max if name in {"ge", "gt"} else min)(bound, bounds.get(name, bound))


def allow_any(bounds: Mapping[str, Any]) -> bool:
    """Return whether there may be a value within the bounds."""
    lows, highs = _of(bounds, "ge", "gt"), _of(bounds, "le", "lt")
    if not (lows and highs):
        return True
    is_open = "gt" in bounds or "lt" in bounds
    return bool(max(lows) < min(highs) if is_open else max(lows) <= min(highs))


def interval(bounds: Mapping[str, Any]) -> tuple[float, float]:
    """Return the lowest and the highest float within the bounds."""
    lows = [-inf, *_of(bounds, "ge"), *(nextafter(low, inf) for low in _of(bounds, "gt"))]
    highs = [inf, *_of(bounds, "le"), *(nextafter(high, -inf) for high in _of(bounds, "lt"))]
    return float(max(lows)), float(min(highs))


def is_infinite(numbers: np.ndarray[Any, Any], dtype: Any, *, allowed: bool) -> Any:
    """Return a mask of numbers that are infinite, or would become so in a smaller type.

    The former count only unless they are `allowed`.
    """
    import numpy as np

    infinite = np.isinf(numbers) & (not allowed)
    smaller = getattr(dtype, "numpy_dtype", dtype)  # pandas' own types have one
    if not isinstance(smaller, np.dtype):
        return infinite
    with np.errstate(over="ignore"):
        return infinite | (np.isinf(numbers.astype(smaller)) & np.isfinite(numbers))


def value_within(bounds: Mapping[str, Any], step: Any, *, has_fractions: bool) -> Any:
    """Return a value within the bounds, one `step` from an open one."""
    if closed := _of(bounds, "ge", "le"):
        return closed[0]
    if "gt" not in bounds:
        return bounds["lt"] - step
    low = bounds["gt"]
    return low + ((bounds["lt"] - low) / 2 if "lt" in bounds and has_fractions else step)


def _of(bounds: Mapping[str, Any], *names: str) -> list[Any]:
    return [bounds[name] for name in names if name in bounds]
