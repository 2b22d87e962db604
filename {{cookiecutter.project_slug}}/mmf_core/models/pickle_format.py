"""Pickle, of the standard library."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from .base import ModelFormat


class PickleFormat(ModelFormat):
    """One pickled object."""

    suffixes = (".pkl", ".pickle")
    runs_code = True

    def load(self, path: Path) -> Any:
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - the author's own file, as load_model says

    def save(self, model: Any, path: Path, example: Any) -> None:
        with path.open("wb") as file:
            pickle.dump(model, file, pickle.HIGHEST_PROTOCOL)


FORMAT = PickleFormat()
