"""skops: scikit-learn's objects as JSON and arrays; only types that are trusted are made.

A file is a list of types and their states. What scikit-learn, numpy and scipy define is trusted,
as the service runs it anyway; all else could be made to run code, and is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from .base import ModelFormat

TRUSTED = {"numpy", "scipy", "sklearn"}


class SkopsFormat(ModelFormat):
    """One object, as `skops.io.dump` writes it."""

    suffixes = (".skops",)
    requires: ClassVar = {"skops": "skops"}

    def load(self, path: Path) -> Any:
        from skops.io import get_untrusted_types, load

        return load(path, trusted=trusted(get_untrusted_types(file=path)))

    def save(self, model: Any, path: Path, example: Any) -> None:
        from skops.io import dump

        dump(model, path)


def trusted(types: Iterable[str]) -> list[str]:
    """Return `types` if all of them are trusted; TypeError names those that are not."""
    types = sorted(types)
    if others := [kind for kind in types if kind.partition(".")[0] not in TRUSTED]:
        raise TypeError(
            f"it holds types that are not of {', '.join(sorted(TRUSTED))}: {', '.join(others)}"
        )
    return types
