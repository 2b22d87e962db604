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


def parts_of(model: Any) -> Mapping[Any, Any]:
    """Return the models of a dict by key, or a single model."""
    return model if isinstance(model, Mapping) else {"": model}


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

    In a dict of models each is compared, and what is no model, such as a threshold, is not.
    """
    if isinstance(model, Mapping):
        models = {key: part for key, part in model.items() if hasattr(part, "predict")}
        for key, part in models.items():
            rows = example[key] if isinstance(example, Mapping) else example
            compare(part, loaded[key], rows, tolerance)
        if models:
            return
    methods = [name for name in METHODS if hasattr(model, name)]
    if not methods:
        raise ArtifactError(f"{type(model).__name__} has no predict or predict_proba to compare")
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


def difference(expected: Any, actual: Any) -> float:
    """Return the largest difference relative to the largest value; of labels, the share differing.

    Infinity if shapes or kinds of values differ.
    """
    import numpy as np

    expected, actual = np.asarray(expected), np.asarray(actual)
    if expected.shape != actual.shape or not expected.size:
        return 0.0 if expected.shape == actual.shape else float("inf")
    if expected.dtype.kind != "f":
        return float(np.mean(expected != actual))
    finite = np.isfinite(expected)
    if actual.dtype.kind != "f" or (finite != np.isfinite(actual)).any():
        return float("inf")
    scale = np.max(np.abs(expected[finite]), initial=0) or 1.0
    return float(np.max(np.abs(expected[finite] - actual[finite]), initial=0) / scale)
