"""Model files: read by suffix, one small module for each format.

A new format is one subclass of `ModelFormat` and its name in `FORMATS`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import ArtifactError
from ..settings import Settings
from .base import ModelFormat as ModelFormat
from .estimators import quicken
from .joblib_format import JoblibFormat
from .pickle_format import PickleFormat

FORMATS: list[ModelFormat] = [PickleFormat(), JoblibFormat()]


def load_model(path: str | Path) -> Any:
    """Return the object in a model file; ArtifactError names the file and what is wrong with it.

    A scikit-learn estimator answers tables faster than scikit-learn alone: see `estimators`.
    Loading a pickle or a joblib file runs whatever code is in it: load your own files only.
    """
    path = Path(path)
    model_format = _of(path)
    model_format.demand(path.name)
    if not path.exists():
        raise ArtifactError.absent(path)
    is_quick = Settings.from_env().fast_sklearn
    try:
        model = model_format.load(path)
    except MemoryError:
        raise
    except Exception as error:  # a broken or foreign file makes unpicklers raise nearly anything
        raise ArtifactError(
            f"{path} cannot be loaded: {type(error).__name__}: {error}; was it saved whole, "
            f"and with the versions in requirements.txt?"
        ) from error
    return quicken(model) if is_quick else model


def _of(path: Path) -> ModelFormat:
    for model_format in FORMATS:
        if path.suffix.lower() in model_format.suffixes:
            return model_format
    known = ", ".join(suffix for model_format in FORMATS for suffix in model_format.suffixes)
    raise ArtifactError(f"{path.name}: a model's format is known by its suffix: {known}")
