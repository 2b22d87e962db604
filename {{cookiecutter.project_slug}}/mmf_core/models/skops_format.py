"""skops: scikit-learn's objects as JSON and arrays, restricted to trusted types.

A file lists types and their states. Types of scikit-learn, numpy and scipy are trusted, as the
service runs these packages anyway; any other type could run code and is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from .base import ModelFormat
from .trusted_types import check_trusted


class SkopsFormat(ModelFormat):
    """One object, as `skops.io.dump` writes it; `types` are trusted in addition."""

    suffixes = (".skops",)
    requires: ClassVar = {"skops": "skops"}

    def __init__(self, types: Iterable[str] = ()) -> None:
        self._types = frozenset(types)

    def trusting(self, types: Iterable[str]) -> ModelFormat:
        return SkopsFormat(types)

    def load(self, path: Path) -> Any:
        from skops.io import get_untrusted_types, load

        return load(path, trusted=check_trusted(get_untrusted_types(file=path), self._types))

    def save(self, model: Any, path: Path, example: Any) -> None:
        from skops.io import dump

        dump(model, path)


FORMAT = SkopsFormat()
