"""Model files: read and written by suffix, one small module for each format.

A new format is one subclass of `ModelFormat` and one line, `FORMATS.append(Mine())`.
"""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from pathlib import Path
from typing import Any

from ..errors import ArtifactError, MMFError
from ..settings import Settings
from .base import ModelFormat as ModelFormat
from .estimators import enable_fast_path
from .joblib_format import JoblibFormat
from .mlflow_format import MlflowFormat
from .onnx_format import OnnxFormat
from .pickle_format import PickleFormat
from .pmml_format import PmmlFormat
from .saving import compare, replacing
from .skops_format import SkopsFormat

FORMATS: list[ModelFormat] = [
    PickleFormat(),
    JoblibFormat(),
    SkopsFormat(),
    OnnxFormat(),
    PmmlFormat(),
    MlflowFormat(),
]


def load_model(path: str | Path, *, trusted: Iterable[str] = ()) -> Any:
    """Return the object in a model file; ArtifactError names the file and what is wrong with it.

    A scikit-learn estimator answers tables faster than scikit-learn alone: see `estimators`.
    Loading a pickle, a joblib file or an MLflow folder runs whatever code is in it: load your own
    only. With MMF_ALLOW_PICKLE=0 these are refused. `trusted` are types beyond numpy's, scipy's and
    scikit-learn's that a skops file may have.
    """
    path = Path(path)
    return _load(path, _of(path).trusting(trusted))


def format_of(path: str | Path) -> ModelFormat | None:
    """Return the format of a model file, by its suffix; None if no format has that."""
    return next((one for one in FORMATS if one.holds(Path(path))), None)


def save_model(model: Any, path: str | Path, *, example: Any, tolerance: float = -1.0) -> None:
    """Write a fitted model in the format of the path's suffix, if it then predicts the same.

    `example` is rows that the model takes, a table or an array. The file is loaded and its
    predictions on them compared; ArtifactError says by how much they differ, and leaves what was
    at `path` before. `tolerance` is a part of the largest prediction; the format knows its own.
    """
    path = Path(path)
    model_format = _of(path)
    limit = model_format.tolerance if tolerance < 0 else tolerance
    model_format.require(path.name)
    # A class of `estimators` may stand in for scikit-learn's own, which is what exporters know.
    plain = copy(model) if type(model) is not model.__class__ else model
    with replacing(path) as new:
        _export(plain, new, example, model_format)
        try:
            compare(model, _load(new, model_format), example, limit)
        except ArtifactError as error:
            raise ArtifactError(f"{path} is not written: {error}") from error


def _load(path: Path, model_format: ModelFormat) -> Any:
    settings = Settings.from_env()
    if model_format.runs_code and not settings.allow_pickle:
        raise ArtifactError(
            f"{path.name} could run code when it is loaded, and MMF_ALLOW_PICKLE=0 forbids it; "
            f"save the model as .skops, .onnx or .pmml instead, by mmf.save_model"
        )
    model_format.require(path.name)
    if not path.exists():
        raise ArtifactError.absent(path)
    try:
        model = model_format.load(path)
    except (MemoryError, MMFError):
        raise
    except Exception as error:  # a broken or foreign file makes unpicklers raise nearly anything
        raise ArtifactError(
            f"{path} cannot be loaded: {type(error).__name__}: {error}; was it saved whole, "
            f"and with the versions in requirements.txt?"
        ) from error
    return enable_fast_path(model) if settings.fast_sklearn else model


def _export(model: Any, path: Path, example: Any, model_format: ModelFormat) -> None:
    try:
        model_format.save(model, path, example)
    except (MemoryError, MMFError):
        raise
    except Exception as error:  # exporters raise anything for what they do not know
        reason = str(error).strip().partition("\n")[0]
        raise ArtifactError(
            f"{path.name} is not written: {type(model).__name__} cannot be kept in this format: "
            f"{type(error).__name__}: {reason}; .joblib holds every model"
        ) from error


def _of(path: Path) -> ModelFormat:
    if model_format := format_of(path):
        return model_format
    known = ", ".join(suffix for model_format in FORMATS for suffix in model_format.suffixes)
    raise ArtifactError(f"{path.name}: a model's format is known by its suffix: {known}")
