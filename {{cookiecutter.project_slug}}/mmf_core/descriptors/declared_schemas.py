"""What `schema=` of a table may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import DescriptorError
from ..models import ModelInputs, inputs_of
from .base import Descriptor
from .model_columns import declared_columns
from .schema import EXTRA, Schema
from .validators import Validator

AUTOMATIC = object()
"""No schema is declared, and that of the model may be used."""


def schema_for(declared: Any, extra: str) -> Schema | Validator | None:
    """Return what checks a table; DescriptorError unless `declared` is one of these."""
    if (dtypes := _dtypes(declared)) is not None:
        declared = dtypes
    if isinstance(declared, Mapping):
        return Schema(declared, extra)
    if declared is None or declared is AUTOMATIC:
        if extra != EXTRA[0] and not (extra == "keep" and declared is AUTOMATIC):
            raise DescriptorError(f"extra={extra!r} needs schema={{column: type}} or a model")
        return None
    try:
        if inputs := declared if isinstance(declared, ModelInputs) else inputs_of(declared):
            return Schema(declared_columns(inputs), extra, underscores=inputs.underscores)
    except DescriptorError as error:
        raise DescriptorError(f"schema: {error}") from None
    if extra != EXTRA[0]:
        raise DescriptorError(f"extra={extra!r} needs schema={{column: type}} or a model")
    if callable(getattr(declared, "validate", None)) and not _is_descriptor(declared):
        return Validator(declared)
    raise DescriptorError(
        f"schema={declared!r}: expected {{column: type}}, X.dtypes, a model or an object with "
        "validate(table)"
    )


def _dtypes(declared: Any) -> dict[Any, Any] | None:
    """Return the dtypes of a table's columns, `X.dtypes`, by name; None for anything else."""
    if type(declared).__name__ != "Series":
        return None
    if duplicates := declared.index[declared.index.duplicated()].tolist():
        raise DescriptorError(f"schema: column {duplicates[0]!r}: expected unique names")
    return dict(declared.items())


def _is_descriptor(declared: Any) -> bool:
    return issubclass(declared if isinstance(declared, type) else type(declared), Descriptor)
