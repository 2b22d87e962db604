"""skops: scikit-learn's objects as JSON and arrays; only types that are trusted are made.

A file is a list of types and their states. What scikit-learn, numpy and scipy define is trusted,
as the service runs it anyway; all else could be made to run code, and is refused by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from pathlib import Path
from typing import Any, ClassVar

from .base import ModelFormat

TRUSTED = {"numpy", "scipy", "sklearn"}


class SkopsFormat(ModelFormat):
    """One object, as `skops.io.dump` writes it; `types` are trusted beside those of TRUSTED."""

    suffixes = (".skops",)
    requires: ClassVar = {"skops": "skops"}

    def __init__(self, types: Iterable[str] = ()) -> None:
        self._types = frozenset(types)

    def trusting(self, types: Iterable[str]) -> ModelFormat:
        return SkopsFormat(types)

    def load(self, path: Path) -> Any:
        from skops.io import get_untrusted_types, load

        types = get_untrusted_types(file=path)
        return load(path, trusted=trusted(types, self._types))

    def save(self, model: Any, path: Path, example: Any) -> None:
        from skops.io import dump

        dump(model, path)


def trusted(types: Iterable[str], listed: Set[str] = frozenset()) -> list[str]:
    """Return `types` if all of them are trusted or `listed`; TypeError names those that are not."""
    types = sorted(types)
    others = [
        kind for kind in types if kind.partition(".")[0] not in TRUSTED and kind not in listed
    ]
    if others:
        raise TypeError(
            f"it holds types that are not of {', '.join(sorted(TRUSTED))}: {', '.join(others)}; "
            f"if you trust them: mmfmeta lock --trust {' --trust '.join(others)}"
        )
    return types
