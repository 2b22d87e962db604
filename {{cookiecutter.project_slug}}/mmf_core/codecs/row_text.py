"""Tables as text: the same template for every row, filled a column at a time.

This is many times faster than dicts, or than a writer that is called for every row. A few hundred
rows are written at a time, so that their objects stay in the processor's cache.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from ..column_dtypes import column_dtypes
from ..settings import MIB
from . import json

if TYPE_CHECKING:
    import pandas as pd

_CHUNK_ROWS, _CHUNK_BYTES = 500, 64 * MIB
FormatCells = Callable[[Any], list[bytes]]


def is_numpy(dtype: Any) -> bool:
    """Return whether a type is a NumPy number or bool."""
    import numpy as np

    return isinstance(dtype, np.dtype) and dtype.kind in "biuf"


def is_block(table: pd.DataFrame) -> bool:
    """Return whether all columns have one NumPy type: they are one array, cheap to extract."""
    types = column_dtypes(table)
    return len(types) == 1 and is_numpy(types.pop())


def format_numbers(array: Any) -> list[bytes]:
    """Return each of NumPy's numbers or bools as JSON, row by row; NaN and infinity are null."""
    import numpy as np

    # orjson would write fewer digits of a float32, and refuses another byte order
    dtype = np.float64 if array.dtype.kind == "f" else array.dtype.newbyteorder("=")
    flat = np.ascontiguousarray(array, dtype=dtype).reshape(-1)
    return json.dumps(flat)[1:-1].split(b",")


def format_rows(
    table: pd.DataFrame, template: bytes, separator: bytes, format_cells: FormatCells
) -> Iterator[bytes]:
    """Yield rows as text, a few hundred at a time: `template` has a `%b` for each column.

    `format_cells` formats an array of cells: those of one column, or all of them, row by row, if
    the table is one block of numbers.
    """
    arrays: list[Any]
    if is_block(table):
        arrays = [table.to_numpy()]
    else:
        arrays = [
            column.to_numpy() if is_numpy(column.dtype) else column.array
            for _, column in table.items()
        ]
    size = max(1, min(_CHUNK_ROWS, _CHUNK_BYTES // len(template)))  # a name may have megabytes
    templates = separator.join([template] * min(size, len(table)))
    for start in range(0, len(table), size):
        columns = [format_cells(array[start : start + size]) for array in arrays]
        flat = columns[0] if len(columns) == 1 else chain.from_iterable(zip(*columns, strict=True))
        if (rows := len(table) - start) < size:
            templates = separator.join([template] * rows)
        text = templates % tuple(flat)
        del columns, flat  # as large as the text, which the caller copies
        yield text
