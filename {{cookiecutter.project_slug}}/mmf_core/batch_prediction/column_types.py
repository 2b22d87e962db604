"""The types of columns that no schema declares: those of the first rows, for the whole file.

They are guessed from the cells. The service would guess from all of them, which are not there yet.
So a later chunk is converted where nothing is lost, and refused where the guess would be another.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..codecs import MAX_EXACT_FLOAT
from ..errors import listed, quoted
from .errors import BatchError

if TYPE_CHECKING:
    import pandas as pd

_LABELS = {"i": "whole numbers", "u": "whole numbers", "f": "numbers", "b": "true and false"}


@dataclass(frozen=True, slots=True)
class Typed:
    """Which columns have the types of the first chunk: all, or kept ones that are not declared."""

    is_all: bool
    keep: Sequence[str] | None = None
    declared: Collection[str] = ()

    def names_in(self, table: pd.DataFrame) -> list[str] | None:
        """Return the names of these columns; None for all."""
        if self.is_all:
            return None
        kept = table.columns if self.keep is None else self.keep
        return [name for name in kept if name not in self.declared]


@dataclass(frozen=True, slots=True)
class ColumnTypes:
    """The dtypes of columns by name; `is_all` if a table must have these columns and no others."""

    dtypes: dict[str, Any]
    is_all: bool

    @classmethod
    def of(cls, table: pd.DataFrame, names: Iterable[str] | None) -> ColumnTypes:
        """Return the types of the first chunk; `names` are None for all columns."""
        chosen = table.columns if names is None else [name for name in names if name in table]
        return cls({name: table[name].dtype for name in chosen}, is_all=names is None)

    def apply(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return a later chunk in these types; BatchError if a column has another one."""
        if self.is_all and set(table.columns) != set(self.dtypes):
            others = [str(name) for name in table.columns if name not in self.dtypes]
            missing = [name for name in self.dtypes if name not in table]
            raise BatchError(
                "expected the columns of the first rows; "
                + "; ".join(
                    f"{problem}: {listed(names)}"
                    for problem, names in (("missing", missing), ("unknown", others))
                    if names
                )
            )
        changed = {}
        for name, dtype in self.dtypes.items():
            if name in table and not _is_same(table[name].dtype, dtype):
                changed[name] = _converted(table[name], dtype)
        table = table.assign(**changed) if changed else table
        return table[list(self.dtypes)] if self.is_all else table


def _is_same(dtype: Any, other: Any) -> bool:
    categories = getattr(dtype, "categories", None)
    if categories is None:
        return bool(dtype == other)
    others = getattr(other, "categories", None)
    return others is not None and dtype == other and categories.tolist() == others.tolist()


def _converted(column: pd.Series[Any], dtype: Any) -> Any:
    import pandas as pd

    kinds = column.dtype.kind, dtype.kind
    if column.isna().all() and dtype.kind not in "iub":
        return pd.Series([None] * len(column), index=column.index, dtype=dtype)
    if kinds == ("i", "f") and (column.abs() <= MAX_EXACT_FLOAT).all():
        return column.astype(dtype)
    if str(column.dtype).lower() == str(dtype).lower():  # int64 among Int64
        return column.astype(object).astype(dtype)
    raise BatchError(
        f"column {quoted(str(column.name))}: {_label(dtype)} in the first rows, "
        f"{_label(column.dtype)} in these; declare the column in schema=; if it is only kept, "
        f"mmfmeta predict --text {column.name} reads it as text"
    )


def _label(dtype: Any) -> str:
    if dtype == "str":
        return "text"
    return _LABELS.get(dtype.kind, str(dtype))
