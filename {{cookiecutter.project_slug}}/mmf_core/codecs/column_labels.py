"""Column labels as pandas keeps them: making them costs more than a small table."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

MAX_COLUMNS = 256
MAX_CHARACTERS = 8_192
"""Of all names together. Longer headers are not cached: their tables cost more than they do."""


def column_index(names: tuple[Any, ...]) -> pd.Index[Any]:
    """Return an index of these labels, for one table alone: its `name` may be changed."""
    import pandas as pd

    index: pd.Index[Any] = cached_index(names).view() if is_cacheable(names) else pd.Index(names)
    return index


def is_cacheable(names: tuple[Any, ...]) -> bool:
    """Tell whether these are a few short strings: 1, 1.0 and True would be one key of a cache."""
    return (
        len(names) <= MAX_COLUMNS
        and all(type(name) is str for name in names)
        and sum(map(len, names)) <= MAX_CHARACTERS
    )


@lru_cache(maxsize=64)
def cached_index(names: tuple[str, ...]) -> pd.Index[Any]:
    """Return the index that all tables of these columns share views of."""
    import pandas as pd

    return pd.Index(names)
