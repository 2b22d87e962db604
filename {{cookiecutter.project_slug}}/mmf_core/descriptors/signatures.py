"""The schema that stands in an MLflow model's signature."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from ..errors import ArtifactError, DescriptorError, MMFError
from ..models.mlflow_format import signature

TYPES: dict[str, type] = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "datetime": datetime,
}
"""Of columns, by MLflow's names for them."""


def read_signature(path: Path) -> Any:
    """Return the signature of the model in a folder; DescriptorError if it has none."""
    if not path.exists():
        raise ArtifactError.absent(path)
    try:
        found = signature(path)
    except MMFError:
        raise
    except Exception as error:  # a broken description makes MLflow raise nearly anything
        raise ArtifactError(f"{path} is no folder of MLflow's: {error}") from error
    if found is None or found.inputs is None:
        raise DescriptorError(f"{path}: this model was saved without signature=; give a table")
    return found


def columns_of(signature: Any) -> dict[str, Any]:
    """Return column → type; an optional one is `| None`. DescriptorError for arrays and objects."""
    inputs = signature.inputs
    if inputs.is_tensor_spec() or not inputs.has_input_names():
        raise DescriptorError("this signature names no columns; describe the input as mmf.Array()")
    declared: dict[str, Any] = {}
    for column in inputs.inputs:
        kind: Any = TYPES.get(getattr(column.type, "name", ""))
        if kind is None:
            raise DescriptorError(
                f"schema: column {column.name!r} is {column.type}, which no schema describes"
            )
        declared[column.name] = kind if column.required else kind | None
    return declared
