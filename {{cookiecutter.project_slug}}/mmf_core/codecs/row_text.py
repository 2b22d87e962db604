"""Tables as text, a column at a time: the same form for every row, filled with cells.

Many times faster than dicts, or a writer that is called for every row. Some hundred rows at a
time, so that their objects stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from . import json

if TYPE_CHECKING:
    import pandas as pd

_ROWS = 500
Texts = Callable[[Any], list[bytes]]


def is_numpy(dtype: Any) -> bool:
    """Tell whether a type is one of numpy's numbers, or its truths."""
    import numpy as np

    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def is_block(table: pd.DataFrame) -> bool:
    """Tell whether all columns are numbers of one type of numpy's: one array, cheap to take out."""
    types = set(table.dtypes)
    return len(types) == 1 and is_numpy(types.pop())


def numbers(array: Any) -> list[bytes]:
    """Write each of numpy's numbers or truths as JSON, row by row; NaN and infinity are null."""
    import numpy as np

    # orjson would write a float32's fewer digits, and no number of another machine's byte order
    dtype = np.float64 if array.dtype.kind == "f" else array.dtype.newbyteorder("=")
    flat = np.ascontiguousarray(array, dtype=dtype).reshape(-1)
    return json.dumps(flat)[1:-1].split(b",")


def cells(column: Any) -> list[Any]:
    """Return a column's cells for JSON; CSV and XML bring whole numbers of any length."""
    found: list[Any] = column.tolist()
    return [json.exact(cell) for cell in found] if column.dtype.kind == "O" else found


def filled(table: pd.DataFrame, form: bytes, separator: bytes, texts: Texts) -> Iterator[bytes]:
    """Yield rows as text, some hundred at a time: `form` has a `%b` for each column.

    `texts` writes an array of cells: all of them, row by row, where the table is one block of
    numbers; else those of one column.
    """
    arrays: list[Any]
    if is_block(table):
        arrays = [table.to_numpy()]
    else:
        every = [one for _, one in table.items()]
        arrays = [one.to_numpy() if is_numpy(one.dtype) else one.array for one in every]
    for start in range(0, len(table), _ROWS):
        columns = [texts(array[start : start + _ROWS]) for array in arrays]
        flat = chain.from_iterable(zip(*columns, strict=True)) if len(columns) > 1 else columns[0]
        rows = min(_ROWS, len(table) - start)
        yield separator.join([form] * rows) % tuple(flat)
