"""Pickle, of the standard library."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from .base import ModelFormat


class PickleFormat(ModelFormat):
    """One pickled object."""

    suffixes = (".pkl", ".pickle")

    def load(self, path: Path) -> Any:
        with path.open("rb") as file:
            return pickle.load(file)  # noqa: S301 - the author's own file, as load_model says
