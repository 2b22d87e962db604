"""A project as a model of MLflow's: what `saving.py` has written is loaded by MLflow from here."""

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
from ..execution import Execution
from ..registry import Registry, load
from ..target import Target
from .columns import cast, with_optional
from .inputs import Input
from .openapi import served
from .predictions import predictions

if TYPE_CHECKING:
    import pandas as pd


class Served(NamedTuple):
    """A target that MLflow can serve: the name of its table, the table, and the scalars."""

    target: Target
    data: str
    table: DataFrame
    scalars: Mapping[str, Descriptor[Any]]


class ProjectModel:
    """What MLflow's scoring server asks for predictions: the target behind `/invocations`."""

    def __init__(self, registry: Registry) -> None:
        self._served = served_by(registry)
        # Deadlines and queues are the server's business, and the server is MLflow's.
        self._execution = Execution(replace(self._served.target, call_options=CallOptions()))

    def predict(self, model_input: pd.DataFrame, params: dict[str, Any] | None = None) -> Any:
        """Return what our own `/invocations` answers; errors are those of `Execution`."""
        target, data, table, scalars = self._served
        whole = with_optional(cast(model_input, table.columns), table.columns)
        given = {name: one for name, one in (params or {}).items() if name in scalars}
        result = self._execution({data: whole, **given})
        # MLflow's own writer of JSON does not know all that ours does.
        return standard_json.loads(json.dumps(predictions(result, target)))


def _load_pyfunc(path: str) -> ProjectModel:
    """Return the project whose files are in a folder; MLflow wants this name."""
    with chdir(path):
        registry = load("main")
        registry.load_artifacts()
    return ProjectModel(registry)


def served_by(registry: Registry) -> Served:
    """Return what `/invocations` serves; DeclarationError if MLflow has no way to ask for it."""
    executions = {route: Execution(one) for route, one in registry.targets.items()}
    found = served(executions)
    if found is None:
        raise DeclarationError("which target? Mark one with default=True")
    data = Input.of(found.target)
    if data is None or not isinstance(data.descriptor, DataFrame):
        raise DeclarationError(f"{found.target.route}: a model of MLflow's takes a table")
    others = [one for one in found.target.required if one != data.name]
    if others:
        raise DeclarationError(f"{found.target.route}: give these a default=: {', '.join(others)}")
    return Served(found.target, data.name, data.descriptor, data.params)
