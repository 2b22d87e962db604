"""Saving a model only if the saved file predicts the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ..errors import ArtifactError

METHODS = ("predict", "predict_proba")
_OF_A_TRANSFORMER = ("transform",)


def parts_of(model: Any) -> Mapping[Any, Any]:
    """Return the models of a dict by key, or a single model."""
    return model if isinstance(model, Mapping) else {"": model}


def profile_of(path: Path) -> Path:
    """Return where the profile of a model's reference data is, if it has one: beside its file."""
    return path.with_name(f"{path.name}.profile")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Provide a path next to `path` for writing, and rename it to `path` on success."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        new = folder / path.name
        yield new
        if path.is_dir():  # a folder cannot replace another in one step
            path.rename(folder / "old")
        new.replace(path)
    finally:
        shutil.rmtree(folder)


def compare(model: Any, loaded: Any, example: Any, tolerance: float) -> None:
    """Raise ArtifactError unless both predict the same for `example` and for its first row.

    A transformer, such as an encoder of texts, is compared by what it transforms. In a dict of
    models each model is compared; other values, such as a threshold, are not.
    """
    if isinstance(model, Mapping):
        models = _compared(model, example)
        for key, rows in models.items():
            compare(model[key], loaded[key], rows, tolerance)
        if models:
            return
    methods = _methods(model)
    if not methods:
        raise ArtifactError(
            f"{type(model).__name__} has no predict, predict_proba or transform to compare"
        )
    for name in methods:
        if not hasattr(loaded, name):
            raise ArtifactError(f"the saved model has no {name}")
        for rows in (example, example[:1]):  # some exports accept only the example's row count
            distance = difference(getattr(model, name)(rows), getattr(loaded, name)(rows))
            if distance > tolerance:
                raise ArtifactError(
                    f"{name} of the saved model differs by {distance:.2g} of the largest value; "
                    f"the tolerance is {tolerance:.2g}"
                )


def _methods(model: Any) -> list[str]:
    methods = [name for name in METHODS if hasattr(model, name)]
    return methods or [name for name in _OF_A_TRANSFORMER if hasattr(model, name)]


def _compared(models: Mapping[Any, Any], example: Any) -> dict[Any, Any]:
    """Return the example of each part of a dict that is compared.

    A single example is that of the models: a scaler or vectorizer beside them takes something else.
    """
    predicting = {key for key, part in models.items() if hasattr(part, METHODS[0])}
    if isinstance(example, Mapping):
        if absent := predicting - example.keys():
            raise ArtifactError(
                f"example has no rows for {', '.join(sorted(map(str, absent)))}; expected a table "
                f"for each model of the dict"
            )
        return {key: rows for key, rows in example.items() if _methods(models.get(key))}
    keys = predicting or {key for key, part in models.items() if _methods(part)}
    return dict.fromkeys(keys, example)


def difference(expected: Any, actual: Any) -> float:
    """Return the largest difference relative to the largest value; of labels, the share differing.

    Infinity if shapes or kinds of values differ.
    """
    import numpy as np

    expected, actual = (
        np.asarray(value.toarray() if hasattr(value, "toarray") else value)  # sparse
        for value in (expected, actual)
    )
    if expected.shape != actual.shape or not expected.size:
        return 0.0 if expected.shape == actual.shape else float("inf")
    if expected.dtype.kind != "f":
        return float(np.mean(expected != actual))
    finite = np.isfinite(expected)
    if actual.dtype.kind != "f" or (finite != np.isfinite(actual)).any():
        return float("inf")
    scale = np.max(np.abs(expected[finite]), initial=0) or 1.0
    return float(np.max(np.abs(expected[finite] - actual[finite]), initial=0) / scale)
