"""The fields of objects in a column: Arrow has those of all of them in every row.

Rows of one name each, all different, take the square of their number.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import count
from typing import TYPE_CHECKING, Any

from ..errors import BodyTooLarge
from .decoded_size import MAX_COLUMNS

if TYPE_CHECKING:
    import pandas as pd

_MOST_CELLS = 14_000_000
_AT_ONCE = 64
_ITEMS = object()
_FLAT = {int, float, bool, str, type(None)}
_LISTS = (list, tuple, set, frozenset)


def check_fields(table: pd.DataFrame) -> None:
    """Raise BodyTooLarge for objects of too many fields, or too many fields times rows.

    The objects in a list have as many rows as there are items: that is another level.
    """
    columns = [column.tolist() for _, column in table.items() if column.dtype == object]
    waiting = [(-1 - index, 0, values) for index, values in enumerate(columns)]
    places: dict[Any, int] = defaultdict(count().__next__)
    rows, names, fields, cells = Counter({0: len(table)}), Counter[int](), 0, 0
    while waiting:
        place, level, values = waiting.pop()
        if set(map(type, values)) <= _FLAT:
            continue
        starts = range(_AT_ONCE, len(values), _AT_ONCE)
        waiting += [(place, level, values[start : start + _AT_ONCE]) for start in starts]
        members, items = _inside(values[:_AT_ONCE])
        for name, member_values in members.items():
            place_count = len(places)
            waiting.append((places[place, name], level, member_values))
            if len(places) > place_count:
                names[level] += 1
                fields += 1
                cells += rows[level]
        if items:
            inner = places[place, _ITEMS]
            waiting.append((inner, inner + 1, items))
            rows[inner + 1] += len(items)
            cells += names[inner + 1] * len(items)
        if fields > MAX_COLUMNS or cells > _MOST_CELLS:
            raise BodyTooLarge(
                f"expected objects with at most {MAX_COLUMNS:,} names in Parquet or Arrow, and "
                f"{_MOST_CELLS:,} names and rows multiplied, got {fields:,} names and "
                f"{max(rows.values()):,} rows; "
                f"send objects of the same names, or accept another format, such as JSON"
            )


def _inside(values: list[Any]) -> tuple[dict[Any, list[Any]], list[Any]]:
    """Return the values of all objects by their names, and the items of all lists.

    In one pass, and of a few values at a time, which a cache holds: others are anywhere in memory,
    and each access takes its time.
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
