"""Column labels as pandas keeps them, and a cache for values that are made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    import pandas as pd

MAX_ENTRIES = 64
MAX_COLUMNS = 256
MAX_CHARACTERS = 8_192
"""Of all names together. Longer headers are not cached: their tables cost more than they do."""
V = TypeVar("V")
_caches: list[LabelCache[Any]] = []


class LabelCache(Generic[V]):
    """Values made from column labels, which costs more than a small table does.

    Only those of a few short strings are kept: 1, 1.0 and True would be one key.
    """

    def __init__(self, make: Callable[[tuple[Any, ...]], V]) -> None:
        self._make = make
        self._values: dict[tuple[Any, ...], V] = {}
        _caches.append(self)

    def __len__(self) -> int:
        return len(self._values)

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()

    def get(self, names: tuple[Any, ...]) -> V:
        """Return the value of these labels, which callers may not change."""
        value = self._values.get(names)
        if value is None:
            value = self._make(names)
            if _is_small(names):
                if len(self._values) >= MAX_ENTRIES:
                    self._values.clear()
                self._values[names] = value
        return value


def forget_labels() -> None:
    """Clear these caches: their entries may keep memory that a large request has freed."""
    for cache in _caches:
        cache.clear()


def column_index(names: tuple[Any, ...]) -> pd.Index[Any]:
    """Return an index of these labels, for one table alone: its `name` may be changed."""
    index: pd.Index[Any] = _INDEXES.get(names).view()
    return index


def _is_small(names: tuple[Any, ...]) -> bool:
    return (
        len(names) <= MAX_COLUMNS
        and all(type(name) is str for name in names)
        and sum(map(len, names)) <= MAX_CHARACTERS
    )


def _make_index(names: tuple[Any, ...]) -> pd.Index[Any]:
    import pandas as pd

    index: pd.Index[Any] = pd.Index(names)
    return index


_INDEXES = LabelCache(_make_index)
