"""Tables of Python's values: each column has the type that its cells share, and loses no digit."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any

from .column_labels import column_index
from .json_values import check_depth
from .kept_columns import exact_column
from .masked_arrays import python_value
from .repeated_names import CONTAINERS
from .whole_numbers import MAX_EXACT_FLOAT, number_column

if TYPE_CHECKING:
    import pandas as pd

NUMBERS = {float, int, NoneType}


def table_of(
    names: Iterable[Any],
    columns: Iterable[Sequence[Any]],
    rows: int | None = None,
    kept: Collection[Any] = (),
) -> pd.DataFrame:
    """Return a table of these columns; `rows` are counted unless there may be no column.

    The cells of `kept` columns are as they are.
    """
    import pandas as pd

    index = None if rows is None else pd.RangeIndex(rows)
    names = tuple(names)
    typed = [
        exact_column(cells) if name in kept else typed_column(cells)
        for name, cells in zip(names, columns, strict=True)
    ]
    table = pd.DataFrame(dict(enumerate(typed)), index=index, copy=False)
    table.columns = column_index(names)
    return table


def typed_column(cells: Sequence[Any]) -> Any:
    """Return cells as an array of their type, or as a list of which pandas finds the type.

    Whole numbers beside nulls or fractions are floats, unless a float cannot hold one of them.
    Numbers beside texts or bools stay what they are. InvalidValue if a cell is nested too deeply.
    """
    import numpy as np

    types = set(map(type, cells))
    if not types <= NUMBERS or types <= {NoneType}:
        if not types.isdisjoint(CONTAINERS):
            check_depth(list(cells))
        if not any(map(_is_numpy, types)):
            return list(cells)
        if len(types) == 1 and cells[0] is not np.ma.masked:
            return np.array(cells)
        return typed_column(
            [python_value(cell) if _is_numpy(type(cell)) else cell for cell in cells]
        )
    with suppress(OverflowError):  # a whole number that is too long
        if types == {int}:
            return np.array(cells, dtype=np.int64)
        floats = np.array(cells, dtype=np.float64)
        if int not in types or not (np.abs(floats) >= MAX_EXACT_FLOAT).any():
            return floats
    return number_column(cells).array


def is_long(cell: Any) -> bool:
    """Return whether a cell is a whole number that a float may not hold."""
    return type(cell) is int and not -MAX_EXACT_FLOAT < cell < MAX_EXACT_FLOAT


def _is_numpy(type_: type) -> bool:
    """Return whether it is a type of NumPy's numbers or bools that Python has, or of `masked`."""
    import numpy as np

    others = np.timedelta64 | np.longdouble | np.complexfloating
    numbers = np.number | np.bool_ | np.ma.core.MaskedConstant
    return issubclass(type_, numbers) and not issubclass(type_, others)
