"""The columns that a model takes, as columns of a schema."""

from __future__ import annotations

from typing import Any

from ..models import InputColumn, ModelInputs
from .columns import Column


def declared_columns(inputs: ModelInputs) -> dict[str, Column]:
    """Return the columns that a model takes; DescriptorError if two have the same name."""
    return {name: _declared_input(column) for name, column in inputs.columns.items()}


def _declared_input(column: InputColumn) -> Column:
    type_: Any = column.type
    return Column(
        type_ | None if column.nullable else type_,
        choices=column.choices,
        category=column.category,
        required=not column.optional,
    )
