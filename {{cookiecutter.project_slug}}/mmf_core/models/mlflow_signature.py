"""The columns that an MLflow model declares in its signature."""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import ArtifactError, DescriptorError
from .inputs import InputColumn

TYPES: dict[str, type] = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "datetime": datetime,
}
"""Python types of columns by MLflow's names."""


def read_signature(path: Path) -> Any:
    """Return the signature of the model in a folder; DescriptorError if it has none."""
    with warnings.catch_warnings(action="ignore"):  # of MLflow's own code
        from mlflow.models import Model

        try:
            signature = Model.load(str(path)).signature
        except Exception as error:  # a broken description makes MLflow raise nearly anything
            raise ArtifactError(f"{path} is not an MLflow model: {error}") from error
    if signature is None or signature.inputs is None:
        raise DescriptorError(f"{path}: the model was saved without signature=; pass a table")
    return signature


def columns_of(signature: Any) -> dict[str, InputColumn]:
    """Return the columns; an optional one may be empty. DescriptorError for arrays and objects."""
    inputs = signature.inputs
    if inputs.is_tensor_spec() or not inputs.has_input_names():
        raise DescriptorError("the signature names no columns; describe the input as mmf.Array()")
    columns: dict[str, InputColumn] = {}
    for column in inputs.inputs:
        type_ = TYPES.get(getattr(column.type, "name", ""))
        if type_ is None:
            raise DescriptorError(
                f"schema: column {column.name!r}: unsupported type {column.type}; "
                f"supported: {', '.join(TYPES)}"
            )
        optional = not column.required
        columns[column.name] = InputColumn(type_, nullable=optional, optional=optional)
    return columns
