"""A project written as a model of MLflow's: into a folder, or to a tracking server."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, ClassVar

from ..descriptors import Column
from ..errors import DeclarationError
from ..packages import OptionalDependency
from ..registry import Registry
from ..stores import is_uri
from ..stores.lockfile import LOCK
from .pyfunc import ProjectModel, Served, served_by

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

PACKAGE = Path(__file__).resolve().parents[2]
_SERVER = "gunicorn"  # MLflow brings its own, and refuses ours
_TYPES = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    datetime: "datetime",
}


def save(registry: Registry, folder: Path) -> None:
    """Write the project in the current folder as a model of MLflow's into a new `folder`.

    DeclarationError if what `/invocations` serves is no table with scalars; ArtifactError if a
    file is missing.
    """
    with _model(registry) as parts:
        from mlflow import pyfunc

        pyfunc.save_model(str(folder), **parts)


def log(registry: Registry, name: str = "") -> ModelInfo:
    """Log the project as the model of a new run, by MLFLOW_TRACKING_URI, and register it as `name`.

    Errors are those of `save`, and whatever MLflow raises.
    """
    with _model(registry) as parts:
        import mlflow

        with mlflow.start_run():
            info: ModelInfo = mlflow.pyfunc.log_model(
                name="model", registered_model_name=name or None, **parts
            )
    return info


class _Mlflow(OptionalDependency):
    requires: ClassVar = {"mlflow": "mlflow-skinny"}


@contextmanager
def _model(registry: Registry) -> Iterator[dict[str, Any]]:
    """Give what MLflow's `save_model` and `log_model` take."""
    _Mlflow().require("to-mlflow")
    found = served_by(registry)
    with TemporaryDirectory() as place, warnings.catch_warnings(action="ignore"):
        files = Path(place, "project")
        files.mkdir()
        _copy(registry, files)
        yield {
            "loader_module": ProjectModel.__module__,
            "data_path": str(files),
            "code_paths": [str(PACKAGE), *map(str, _modules())],
            "signature": _signature(found),
            "pip_requirements": _requirements(),
        }


def _copy(registry: Registry, files: Path) -> None:
    """Copy what the project reads, under the names that it reads them by."""
    (files / "mmf.json").write_text(json.dumps(registry.meta(), default=str), encoding="utf-8")
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


def _signature(found: Served) -> Any:
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
