"""Write a project as an MLflow model: into a folder, or to a tracking server."""

from __future__ import annotations

import json
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ..descriptors import Column
from ..errors import DeclarationError
from ..example_calls import use_model_schemas
from ..registry import Registry
from ..stores import is_uri
from ..stores.lockfile import LOCK
from .package import MLFLOW
from .pyfunc import ProjectModel, ServedTarget, served_target

if TYPE_CHECKING:
    from mlflow.models.model import ModelInfo

MMF_CORE = Path(__file__).resolve().parents[1]
_SERVER = "gunicorn"  # MLflow brings its own version, which conflicts with ours
_TYPES = {
    bool: "boolean",
    int: "long",
    float: "double",
    str: "string",
    date: "datetime",
    datetime: "datetime",
}


def save(registry: Registry, folder: Path) -> None:
    """Write the project in the current folder as an MLflow model into a new `folder`.

    DeclarationError unless `/invocations` takes a table and scalars; ArtifactError if a file is
    missing.
    """
    with _model(registry) as arguments:
        from mlflow import pyfunc

        pyfunc.save_model(str(folder), **arguments)


def log(registry: Registry, name: str = "") -> ModelInfo:
    """Log the project as the model of a new run, by MLFLOW_TRACKING_URI, and register it as `name`.

    Raises what `save` raises, and any error of MLflow's.
    """
    with _model(registry) as arguments:
        import mlflow

        with mlflow.start_run():
            info: ModelInfo = mlflow.pyfunc.log_model(
                name="model", registered_model_name=name or None, **arguments
            )
    return info


@contextmanager
def _model(registry: Registry) -> Iterator[dict[str, Any]]:
    """Yield the arguments of MLflow's `save_model` and `log_model`."""
    MLFLOW.require("to-mlflow")
    registry.load_artifacts()
    use_model_schemas(registry)
    served = served_target(registry)
    with TemporaryDirectory() as folder, warnings.catch_warnings(action="ignore"):
        files = Path(folder, "project")
        files.mkdir()
        _copy_files(registry, files)
        yield {
            "loader_module": ProjectModel.__module__,
            "data_path": str(files),
            "code_paths": [str(MMF_CORE), *map(str, _modules())],
            "signature": _signature(served),
            "pip_requirements": _requirements(),
        }


def _copy_files(registry: Registry, files: Path) -> None:
    """Copy the files that the project reads, under the same relative names."""
    (files / "mmf.json").write_text(json.dumps(registry.meta(), default=str), encoding="utf-8")
    if Path(LOCK).exists():
        shutil.copy(LOCK, files / LOCK)
    for name, artifact in registry.artifacts.items():
        if is_uri(name):
            continue  # fetched where the model is served
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise DeclarationError(f"artifact {name}: expected a path inside the project's folder")
        source, copy = artifact.path, files / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, copy) if source.is_dir() else shutil.copy(source, copy)


def _modules() -> list[Path]:
    """Return main.py and the modules and packages beside it that it has imported."""
    here = Path.cwd().resolve()
    paths = set()
    for name, module in list(sys.modules.items()):
        if "." in name or not (origin := getattr(module, "__file__", None)):
            continue
        file = Path(origin).resolve()
        if file == here / f"{name}.py":
            paths.add(file)
        elif file == here / name / "__init__.py" and file.parent != MMF_CORE:
            paths.add(file.parent)
    return sorted(paths)


def _requirements() -> list[str]:
    lines = Path("requirements.txt").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line.strip() and not line.startswith(("#", _SERVER))]


def _signature(served: ServedTarget) -> Any:
    """Return the table's schema and the scalars' defaults; None if there are neither."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

    columns: list[ColSpec | TensorSpec] = [
        ColSpec(_mlflow_type(column), name, required=not column.nullable)
        for name, column in served.table.columns.items()
    ]
    params = [
        ParamSpec(name, _TYPES[type_], scalar.default, shape)
        for name, scalar in served.scalars.items()
        for type_, shape in _param_types(scalar.default)
    ]
    if not columns and not params:
        return None
    arguments: dict[str, Any] = {
        "inputs": Schema(columns) if columns else None,
        "params": ParamSchema(params) if params else None,
    }
    return ModelSignature(**arguments)


def _param_types(default: Any) -> Iterator[tuple[type, tuple[int] | None]]:
    """Yield the type of a parameter, and its shape if it is a list; nothing if MLflow has none."""
    is_list = isinstance(default, list) and len(default) > 0
    type_ = type(default[0] if is_list else default)
    if type_ in _TYPES:
        yield type_, (-1,) if is_list else None


def _mlflow_type(column: Column) -> str:
    """Return MLflow's name of a column's type; its integers cannot be null."""
    return "double" if column.kind is int and column.nullable else _TYPES[column.kind]
