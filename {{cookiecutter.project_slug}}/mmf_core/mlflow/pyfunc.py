"""A project as an MLflow model: MLflow loads from here what `saving.py` has written."""

from __future__ import annotations

import json as standard_json
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ..call_options import CallOptions
from ..codecs import json
from ..descriptors import DataFrame, Descriptor
from ..errors import DeclarationError
from ..example_calls import use_model_schemas
from ..execution import Execution
from ..registry import Registry, load
from ..target import Target
from .columns import with_optional
from .default_target import default_execution
from .inputs import Input
from .predictions import to_predictions

if TYPE_CHECKING:
    import pandas as pd


class ServedTarget(NamedTuple):
    """A target that MLflow can serve: one table, called `table_name`, and scalars."""

    target: Target
    table_name: str
    table: DataFrame
    scalars: Mapping[str, Descriptor[Any]]


class ProjectModel:
    """What MLflow's scoring server calls for predictions: the target behind `/invocations`."""

    def __init__(self, registry: Registry) -> None:
        self._served = served_target(registry)
        # Deadlines and queues belong to the server, which is MLflow's.
        self._execution = Execution(replace(self._served.target, call_options=CallOptions()))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Return what our own `/invocations` returns; errors are those of `Execution`."""
        target, table_name, declared, scalars = self._served
        table = with_optional(model_input, declared.columns)
        values = {name: value for name, value in (params or {}).items() if name in scalars}
        result = self._execution({table_name: table, **values})
        # MLflow's own JSON writer does not support all types that ours does.
        return standard_json.loads(json.dumps(to_predictions(result, target)))


def _load_pyfunc(path: str) -> ProjectModel:
    """Return the project whose files are in a folder; MLflow requires this name."""
    with chdir(path):
        registry = load("main")
        registry.load_artifacts()
        use_model_schemas(registry)
    return ProjectModel(registry)


def served_target(registry: Registry) -> ServedTarget:
    """Return what `/invocations` calls; DeclarationError if MLflow could not call it."""
    executions = {route: Execution(target) for route, target in registry.targets.items()}
    execution = default_execution(executions)
    if execution is None:
        raise DeclarationError("several targets could be served; mark one with default=True")
    target, data = execution.target, Input.of(execution.target)
    if data is None or not isinstance(data.descriptor, DataFrame):
        raise DeclarationError(f"{target.route}: an MLflow model takes a table")
    if others := [name for name in target.required if name != data.name]:
        raise DeclarationError(f"{target.route}: add a default= to {', '.join(others)}")
    return ServedTarget(target, data.name, data.descriptor, data.params)
