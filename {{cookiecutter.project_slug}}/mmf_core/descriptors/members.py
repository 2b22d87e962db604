"""Values by name, of which a table can be made: a record, or columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from ..codecs import is_masked, table_of, typed_column, unmasked
from ..errors import InvalidValue

if TYPE_CHECKING:
    import pandas as pd


def members_of(value: Any) -> dict[Any, Any] | None:
    """Return the named values of a mapping, a namedtuple, a dataclass or a row of pandas'."""
    import pandas as pd

    if isinstance(value, pd.Series):
        if not value.index.is_unique:
            raise InvalidValue("expected unique labels in a Series; rename the duplicates")
        return dict(zip(value.index, value.tolist(), strict=True))
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple) and hasattr(value, "_asdict"):
        return dict(value._asdict())
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return None


def from_members(members: dict[Any, Any]) -> pd.DataFrame:
    """Return a table of columns by name; scalars are one row."""
    import pandas as pd

    if members and all(map(_is_scalar, members.values())):
        return table_of(members, [[cell] for cell in members.values()])
    columns = _exactly_aligned({name: _column(cells) for name, cells in members.items()})
    try:
        return pd.DataFrame(columns)
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"expected a table: {error}") from None


def _is_scalar(value: Any) -> bool:
    import pandas as pd

    return pd.api.types.is_scalar(value) or is_masked(value)


def _column(cells: Any) -> Any:
    """Return cells in their own type, of which pandas makes a column."""
    if not isinstance(cells, list | tuple):
        plain = unmasked(cells)
        if plain is cells or plain.dtype != object:
            return plain
        cells = plain.tolist()
    return typed_column(cells)


def _exactly_aligned(columns: dict[Any, Any]) -> dict[Any, Any]:
    """Return columns in which Series of different labels keep whole numbers beside nulls."""
    import numpy as np
    import pandas as pd

    series = [column for column in columns.values() if isinstance(column, pd.Series)]
    if all(column.index.equals(series[0].index) for column in series[1:]):
        return columns
    nullable: dict[str, Any] = {"i": "Int64", "u": "UInt64"}
    return {
        name: column.astype(nullable[column.dtype.kind])
        if isinstance(column, pd.Series)
        and isinstance(column.dtype, np.dtype)
        and column.dtype.kind in nullable
        else column
        for name, column in columns.items()
    }
