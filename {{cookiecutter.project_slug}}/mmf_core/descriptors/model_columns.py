"""The columns that a model takes, as columns of a schema."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..codecs import NumberFormat
from ..models import InputColumn, ModelInputs
from .columns import Column

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_POINT = NumberFormat()
_FLAGS = {"true": 1.0, "false": 0.0}


@dataclass(kw_only=True, repr=False)
class ModelColumn(Column):
    """A column of a model's.

    Its cells may be empty where the column must not be missing, and in a column of numbers true and
    false are 1 and 0: a model does not know that it was fitted on these.
    """

    optional: bool = False

    @property
    def is_optional(self) -> bool:
        return self.optional

    def convert(
        self, cells: pd.Series[Any], number_format: NumberFormat = _POINT
    ) -> tuple[pd.Series[Any], np.ndarray[Any, Any]]:
        if self.kind is float and cells.dtype.kind not in "iuf":
            cells = _without_flags(cells)
        return super().convert(cells, number_format)


def declared_columns(inputs: ModelInputs) -> dict[str, ModelColumn]:
    """Return the columns that a model takes."""
    return {name: _declared(column) for name, column in inputs.columns.items()}


def _declared(column: InputColumn) -> ModelColumn:
    type_: Any = column.type
    return ModelColumn(
        type=type_ | None if column.nullable else type_,
        choices=column.choices,
        category=column.category,
        optional=column.optional,
    )


def _without_flags(cells: pd.Series[Any]) -> pd.Series[Any]:
    """Return cells with numbers in place of true and false, also as words."""
    import pandas as pd

    numbers = [_number(cell) for cell in cells.tolist()]
    return pd.Series(numbers, index=cells.index, name=cells.name, dtype=object)


def _number(cell: Any) -> Any:
    import numpy as np

    if isinstance(cell, bool | np.bool_):
        return float(cell)
    return _FLAGS.get(cell.lower(), cell) if isinstance(cell, str) else cell
