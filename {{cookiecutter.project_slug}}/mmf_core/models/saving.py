"""A model goes into a file only if it comes out of it with the same predictions."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from ..errors import ArtifactError

METHODS = ("predict", "predict_proba")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path beside `path` to write to, and rename it to `path` if all goes well."""
    path.parent.mkdir(parents=True, exist_ok=True)
    folder = Path(mkdtemp(prefix=f".{path.name}-", dir=path.parent))
    try:
        new = folder / path.name
        yield new
        if path.is_dir():  # a folder cannot be put over another in one step
            path.rename(folder / "old")
        new.replace(path)
    finally:
        shutil.rmtree(folder)


def compare(model: Any, loaded: Any, example: Any, tolerance: float) -> None:
    """Raise ArtifactError unless both answer the same, for all of `example` and its first row."""
    methods = [name for name in METHODS if hasattr(model, name)]
    if not methods:
        raise ArtifactError(f"{type(model).__name__} has no predict: nothing can be compared")
    for name in methods:
        if not hasattr(loaded, name):
            raise ArtifactError(f"the saved model has no {name}")
        for rows in (example, example[:1]):  # some exports take as many rows as they were shown
            found = difference(getattr(model, name)(rows), getattr(loaded, name)(rows))
            if found > tolerance:
                raise ArtifactError(
                    f"{name} of the saved model differs by {found:.2g} of the largest value, "
                    f"and {tolerance:.2g} is the tolerance"
                )


def difference(expected: Any, given: Any) -> float:
    """Return how far answers are apart, as a part of the largest; of labels, the share that differ.

    Infinity if they have other shapes or kinds of values.
    """
    import numpy as np

    expected, given = np.asarray(expected), np.asarray(given)
    if expected.shape != given.shape or not expected.size:
        return 0.0 if expected.shape == given.shape else float("inf")
    if expected.dtype.kind != "f":
        return float(np.mean(expected != given))
    finite = np.isfinite(expected)
    if given.dtype.kind != "f" or (finite != np.isfinite(given)).any():
        return float("inf")
    scale = np.max(np.abs(expected[finite]), initial=0) or 1.0
    return float(np.max(np.abs(expected[finite] - given[finite]), initial=0) / scale)
