"""Tables that a function returns: what a codec cannot write is put in another form."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..codecs import is_masked, typed_column
from ..errors import InvalidValue

if TYPE_CHECKING:
    import pandas as pd


def with_index(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table with its index as columns too; it stays: rows are matched by it."""
    try:
        return table.reset_index().set_axis(table.index)
    except ValueError as error:  # a column has that name already
        raise InvalidValue(f"the index cannot become a column: {error}") from None


def is_numeric(result: Any) -> bool:
    """Return whether it is an array of NumPy's without objects: most results are."""
    return getattr(getattr(result, "dtype", None), "kind", "O") in "biufmM"


def without_masked(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without NumPy's `masked`, which pandas takes for a value."""
    for index, dtype in enumerate(table.dtypes):
        cells = table.iloc[:, index].tolist() if dtype.kind == "O" else ()
        may_be_masked = any(hasattr(type_, "filled") for type_ in set(map(type, cells)))
        if may_be_masked and any(map(is_masked, cells)):
            table = table.copy(deep=False)
            table.isetitem(index, typed_column(cells))
    return table
