"""Bounds of numbers and dates, for messages and for JSON Schema.

Names are those of Python's `operator` module: ge, gt, le, lt.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from math import isfinite
from typing import Any

_SIGNS = {"ge": ">=", "gt": ">", "le": "<=", "lt": "<"}
_KEYWORDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def with_bounds(type_label: str, bounds: Mapping[str, Any]) -> str:
    """Return what a value must be, for messages: `a number >= 0 and <= 14`."""
    limits = " and ".join(f"{_SIGNS[name]} {bound}" for name, bound in bounds.items())
    return f"{type_label} {limits}" if limits else type_label


def bounds_schema(bounds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON Schema keywords for finite numbers; it has none for dates."""
    return {
        _KEYWORDS[name]: bound
        for name, bound in bounds.items()
        if not isinstance(bound, datetime) and isfinite(bound)
    }
