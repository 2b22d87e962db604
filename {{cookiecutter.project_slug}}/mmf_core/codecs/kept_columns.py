"""Columns that go back to the caller as they came: no type is guessed for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from math import isfinite
from types import NoneType
from typing import TYPE_CHECKING, Any

from .json_values import check_depth
from .number_format import any_number
from .repeated_names import CONTAINERS

if TYPE_CHECKING:
    import pandas as pd

    from .base import Options

_LONGEST = 10**15
"""From here on, spreadsheets lose digits of a whole number, and 2^53 is not far for JSON."""


def kept_names(names: Iterable[Any], options: Options) -> frozenset[Any]:
    """Return the names that no schema declares, with the option `keep`."""
    return frozenset(names).difference(options["types"]) if options.get("keep") else frozenset()


def exact_column(cells: Sequence[Any]) -> Any:
    """Return cells in the type that all of them have, or else each as it is."""
    import numpy as np
    import pandas as pd

    types = set(map(type, cells))
    if types <= {str, NoneType}:
        return pd.array(list(cells), dtype="str")
    with suppress(OverflowError):  # a whole number of more than 64 bits
        if types == {int}:
            return np.array(cells, dtype=np.int64)
    if types in ({float}, {bool}):
        return np.array(cells)
    if not types.isdisjoint(CONTAINERS):
        check_depth(list(cells))
    return pd.Series(list(cells), dtype=object).array


def exact_texts(texts: pd.Series[Any]) -> Any:
    """Return the numbers that texts show if numbers are written exactly so, else the texts.

    `007`, `1.50` and `+1` are texts, and so is a whole number of more than 15 digits.
    """
    import pandas as pd

    cells = [text if isinstance(text, str) else None for text in texts.tolist()]
    numbers = [None if text is None else _number(text) for text in cells]
    types = {type(number) for number, text in zip(numbers, cells, strict=True) if text is not None}
    if types == {int}:
        return pd.array(numbers, dtype="int64" if None not in numbers else "Int64")
    return pd.array(numbers, dtype="float64") if types == {float} else texts.array


def _number(text: str) -> int | float | None:
    number = None
    with suppress(OverflowError):
        number = any_number(text)
    if number is None or str(number) != text or not isfinite(number):
        return None
    return None if isinstance(number, int) and abs(number) >= _LONGEST else number


def without_long_numbers(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table in which whole numbers that a workbook would round are texts."""
    import pandas as pd

    changed: dict[str, Any] = {}
    for name, column in table.items():
        cells = column.tolist() if column.dtype.kind in "iuO" else []
        if any(map(_is_long, cells)):
            texts = [str(cell) if _is_long(cell) else cell for cell in cells]
            changed[str(name)] = pd.Series(texts, index=table.index, dtype=object)
    return table.assign(**changed) if changed else table


def _is_long(cell: Any) -> bool:
    return isinstance(cell, int) and abs(cell) >= _LONGEST
