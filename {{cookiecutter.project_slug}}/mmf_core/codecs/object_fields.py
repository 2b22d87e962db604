"""The fields of objects in a column: Arrow has those of all of them in every row.

Rows of one name each, all different, take the square of their number.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from ..errors import BodyTooLarge
from .decoded_size import MAX_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 14_000_000
_FLAT = {int, float, bool, str, type(None)}
_LISTS = (list, tuple, set, frozenset)


def check_fields(table: pd.DataFrame) -> None:
    """Raise BodyTooLarge for objects of too many fields, or too many fields times rows.

    The objects in a list have as many rows as there are items.
    """
    fields = cells = 0
    columns = [column.tolist() for _, column in table.items() if column.dtype == object]
    waiting = [(len(values), values) for values in columns]
    while waiting:
        rows, values = waiting.pop()
        if set(map(type, values)) <= _FLAT:
            continue
        members, items = _inside(values)
        fields += len(members)
        cells += len(members) * rows
        if fields > MAX_COLUMNS or cells > _MOST_CELLS:
            raise BodyTooLarge(
                f"expected objects with at most {MAX_COLUMNS:,} names in Parquet or Arrow, and "
                f"{_MOST_CELLS:,} names and rows multiplied, got {fields:,} names and {rows:,} "
                f"rows; send objects of the same names, or accept another format, such as JSON"
            )
        waiting += [(rows, each) for each in members.values()]
        if items:
            waiting.append((len(items), items))


def _inside(values: list[Any]) -> tuple[dict[Any, list[Any]], list[Any]]:
    """Return the values of all objects by their names, and the items of all lists.

    In one pass: deeper values lie anywhere in memory, and each look at one takes its time.
    """
    members: dict[Any, list[Any]] = defaultdict(list)
    items: list[Any] = []
    for value in values:
        if isinstance(value, dict):
            for name, member in value.items():
                members[name].append(member)
        elif isinstance(value, _LISTS):
            items += value
        elif getattr(value, "dtype", "") == "O" and hasattr(value, "ravel"):
            items += value.ravel().tolist()
    return members, items
