"""joblib: pickle with efficient storage of large arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar

from .base import ModelFormat


class JoblibFormat(ModelFormat):
    """One object, as `joblib.dump` writes it."""

    suffixes = (".joblib",)
    requires: ClassVar = {"joblib": "joblib"}
    runs_code = True

    def load(self, path: Path) -> Any:
        import joblib

        return joblib.load(path)

    def save(self, model: Any, path: Path, example: Any) -> None:
        import joblib

        joblib.dump(model, path)


FORMAT = JoblibFormat()
