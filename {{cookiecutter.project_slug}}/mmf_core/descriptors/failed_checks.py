"""Which checks of a schema a table has failed, for metrics: by column and rule, never by value."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ..errors import FailedCheck

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    from .columns import Column

MISSING, DUPLICATE, UNKNOWN = "missing columns", "duplicate columns", "unknown columns"
_RULES = {MISSING: "missing", DUPLICATE: "duplicate", UNKNOWN: "unknown"}


def failed_names(
    wrong_columns: Mapping[str, Collection[Any]], declared: Collection[str]
) -> Iterator[FailedCheck]:
    """Yield a check for each wrong column; a name that the schema does not know is a caller's."""
    for error, names in wrong_columns.items():
        for name in names:
            yield FailedCheck(name if name in declared else "", _RULES[error])


def failed_cells(
    name: str,
    declared: Column,
    cells: pd.Series[Any],
    column: pd.Series[Any],
    misfits: np.ndarray[Any, Any],
) -> Iterator[FailedCheck]:
    """Yield the checks that the cells of a column have failed; `column` is what they became."""
    empty = misfits & cells.isna().to_numpy()
    unread = misfits & ~empty & column.isna().to_numpy()
    is_choice = declared.choices is not None
    limits = "choices" if is_choice else "bounds" if declared.bounds else "finite"
    for rule, mask in (("empty", empty), ("type", unread), (limits, misfits & ~(empty | unread))):
        if number := int(mask.sum()):
            yield FailedCheck(name, rule, number)
