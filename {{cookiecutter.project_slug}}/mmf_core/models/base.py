"""What a model format is: some suffixes, a way to load, and mostly one to save."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from ..packages import OptionalDependency


class ModelFormat(OptionalDependency, ABC):
    """One way to keep a fitted model in a file.

    `runs_code`: whether loading runs whatever code is in the file (MMF_ALLOW_PICKLE=0 refuses it).
    `tolerance`: how far a saved model's predictions may be from the original's, as a part of the
    largest of them: the format's own precision.
    """

    suffixes: ClassVar[tuple[str, ...]]
    runs_code: ClassVar[bool] = False
    tolerance: ClassVar[float] = 0.0

    def holds(self, path: Path) -> bool:
        """Whether the file is of this format: its suffix says so."""
        return path.suffix.lower() in self.suffixes

    def trusting(self, types: Iterable[str]) -> ModelFormat:
        """Return the same format, which makes objects of these types, too, where it asks."""
        return self

    @abstractmethod
    def load(self, path: Path) -> Any:
        """Return the object in the file; may raise anything."""

    def save(self, model: Any, path: Path, example: Any) -> None:
        """Write `model` to a new file; `example` is what it takes. May raise anything."""
        raise NotImplementedError(f"{type(self).__name__} can be loaded only")
