"""Rows of a workbook's sheet as a table: every cell keeps the type that it has in the sheet.

A text stays a text, even `007`, `NA` and `1.5`. Excel has no whole numbers, so a
column without fractions becomes one of whole numbers. An empty cell is null, and so is a text
without any character: readers do not distinguish them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from types import NoneType
from typing import TYPE_CHECKING, Any

from .base import Options, all_floats, with_dtype
from .column_labels import column_index

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

AS_WRITTEN = {"keep_default_na": False, "na_values": [""]}
"""For pandas' own readers: only an empty cell is null."""
SUPPORTED = {
    "sheet",
    "sheet_name",
    "dtype",
    "types",
    "max_body",
    "max_decompressed",
    "escape_formulas",
}
_NUMBERS = {float, int}
_OVER_INT64 = 2.0**63


def supports(options: Options) -> bool:
    """Return whether `table_of` supports all options: those of a schema, not most of pandas'."""
    dtype = options.get("dtype", {})
    return (
        options.keys() <= SUPPORTED
        and isinstance(dtype, dict)
        and all(type_ is str for type_ in dtype.values())
    )


def table_of(rows: list[list[Any]], options: Options) -> pd.DataFrame:
    """Return a table of rows of one length, of which the first is the header."""
    import pandas as pd

    if not rows:
        return pd.DataFrame()
    names, cells = _names(rows[0]), rows[1:]
    if (block := _block(cells, options)) is not None:
        return pd.DataFrame(block, columns=names, copy=False)
    columns: Sequence[Any] = list(zip(*cells, strict=True)) or [()] * len(names)
    text_columns = with_dtype(options).get("dtype", {})
    values = [
        _texts(column) if name in text_columns else _column(column)
        for name, column in zip(names, columns, strict=True)
    ]
    table = pd.DataFrame(dict(enumerate(values)), index=pd.RangeIndex(len(cells)), copy=False)
    return table.set_axis(names, axis="columns")


def _names(header: list[Any]) -> Any:
    """Return a header as pandas names columns: `Unnamed: 1`, and `a.1` for the second a."""
    if all(isinstance(name, str) and name for name in header) and len({*header}) == len(header):
        return column_index(tuple(header))
    from pandas.io import parsers

    parser = parsers.TextParser(  # type: ignore[attr-defined] # pandas-stubs leave it out
        [[_exact(name) for name in header]], header=0, **AS_WRITTEN
    )
    return parser.read().columns


def _block(cells: list[list[Any]], options: Options) -> np.ndarray[Any, Any] | None:
    """Return rows that are all numbers of one type as one array, the cheapest form of a table."""
    import numpy as np

    types = set(map(type, chain.from_iterable(cells)))
    if not types or not types <= _NUMBERS:
        return None
    block = np.array(cells, dtype=np.float64)
    if all_floats(options):
        return block
    whole = [_is_whole(column) for column in block.T]
    if not any(whole):
        return block
    return block.astype(np.int64) if all(whole) else None


def _column(cells: Sequence[Any]) -> Any:
    """Return a column's values in the type that they share, or else as objects."""
    import numpy as np
    import pandas as pd

    types = set(map(type, cells))
    if str in types and "" in cells:
        cells = [None if cell == "" else cell for cell in cells]
        types = set(map(type, cells))
    if types <= _NUMBERS | {NoneType}:  # the empty column, too
        numbers = np.array(cells, dtype=np.float64)
        return numbers.astype(np.int64) if len(numbers) and _is_whole(numbers) else numbers
    if types <= {str, NoneType}:
        return pd.Series(cells, dtype="str")
    if types == {bool}:
        return np.array(cells)
    are_times = types <= {date, datetime, NoneType} or types <= {timedelta, NoneType}
    return pd.Series([_exact(cell) for cell in cells], dtype=None if are_times else object)


def _texts(cells: Sequence[Any]) -> pd.Series[Any]:
    """Return a column that a schema declares as text: a number as it is shown in the sheet."""
    import pandas as pd

    return pd.Series([str(_exact(cell)) if cell != "" else None for cell in cells], dtype="str")


def _is_whole(numbers: np.ndarray[Any, Any]) -> bool:
    return bool(((numbers % 1 == 0) & (abs(numbers) < _OVER_INT64)).all())


def _exact(cell: Any) -> Any:
    if isinstance(cell, float) and cell.is_integer():
        return int(cell)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - Excel has no time zones
    return cell
