"""A project as a model of MLflow's: `mmfmeta to-mlflow` saves it, MLflow loads it from here."""

from __future__ import annotations

import json as standard_json
import shutil
import sys
from collections.abc import Mapping
from contextlib import chdir
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

from ...codecs import json
from ...descriptors import Column, DataFrame, Descriptor
from ...errors import DeclarationError
from ...execution import Execution
from ...models.mlflow_format import MlflowFormat, quiet
from ...policy import Policy
from ...registry import Registry, load
from ...stores import is_uri
from ...stores.lock import LOCK
from ...target import Target
from .chapter import served
from .columns import cast, with_optional
from .inputs import Input
from .predictions import predictions

if TYPE_CHECKING:
    import pandas as pd

PACKAGE = Path(__file__).resolve().parents[2]
_SERVER = "gunicorn"  # MLflow brings its own, and refuses ours
_TYPES = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    datetime: "datetime",
}


class _Served(NamedTuple):
    """A target that MLflow can serve: the name of its table, the table, and the scalars."""

    target: Target
    data: str
    table: DataFrame
    scalars: Mapping[str, Descriptor[Any]]


class ProjectModel:
    """What MLflow's scoring server asks for predictions: the target behind `/invocations`."""

    def __init__(self, registry: Registry) -> None:
        self._served = _served(registry)
        # Deadlines and queues are the server's business, and the server is MLflow's.
        self._execution = Execution(replace(self._served.target, policy=Policy()))

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
        registry.make_ready()
    return ProjectModel(registry)


def save(registry: Registry, folder: Path) -> None:
    """Write the project in the current folder as a model of MLflow's into a new `folder`.

    DeclarationError if what `/invocations` serves is no table with scalars; ArtifactError if a
    file is missing.
    """
    MlflowFormat().demand(folder.name)
    found = _served(registry)
    with TemporaryDirectory() as place, quiet():
        from mlflow import pyfunc

        files = Path(place, "project")
        files.mkdir()
        _copy(registry, files)
        pyfunc.save_model(
            str(folder),
            loader_module=__name__,
            data_path=str(files),
            code_paths=[str(PACKAGE), *map(str, _modules())],
            signature=_signature(found),
            pip_requirements=_requirements(),
        )


def _served(registry: Registry) -> _Served:
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
    return _Served(found.target, data.name, data.descriptor, data.params)


def _copy(registry: Registry, files: Path) -> None:
    """Copy what the project reads, under the names that it reads them by."""
    (files / "mmf.json").write_text(
        standard_json.dumps(registry.meta(), default=str), encoding="utf-8"
    )
    if Path(LOCK).exists():
        shutil.copy(LOCK, files / LOCK)
    for name, artifact in registry.artifacts.items():
        if is_uri(name):
            continue  # it is fetched where it is needed
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DeclarationError(f"{name}: a file of the project lies in its folder")
        path, new = artifact.path, files / name
        new.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(path, new) if path.is_dir() else shutil.copy(path, new)


def _modules() -> list[Path]:
    """Return main.py and what it has imported from beside it, as they lie in this folder."""
    files = (
        (name, Path(file).resolve())
        for name, module in list(sys.modules.items())
        if "." not in name and (file := getattr(module, "__file__", None))
    )
    here = Path.cwd().resolve()
    found = set()
    for name, file in files:
        if file == here / f"{name}.py":
            found.add(file)
        elif file == here / name / "__init__.py" and file.parent != PACKAGE:
            found.add(file.parent)
    return sorted(found)


def _requirements() -> list[str]:
    lines = Path("requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", _SERVER))]


def _signature(found: _Served) -> Any:
    """Return the schema of the table and the defaults of the scalars; None if neither is known."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_type(one), name, required=not one.nullable)
        for name, one in found.table.columns.items()
    ]
    params = [
        ParamSpec(name, _TYPES[type(one.default)], one.default)
        for name, one in found.scalars.items()
        if type(one.default) in _TYPES
    ]
    if not columns and not params:
        return None
    known: dict[str, Any] = {
        "inputs": Schema(columns) if columns else None,
        "params": ParamSchema(params) if params else None,
    }
    return ModelSignature(**known)


def _type(column: Column) -> str:
    """Return MLflow's name of a type; its integers know no null."""
    is_gap = column.kind is int and column.nullable
    return "double" if is_gap else _TYPES[column.kind]
