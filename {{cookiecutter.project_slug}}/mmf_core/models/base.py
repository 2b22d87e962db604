"""The interface of a model format: suffixes, loading and, mostly, saving."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from ..packages import OptionalDependency
from ..settings import SettingsGroup


class ModelFormat(OptionalDependency, ABC):
    """A file format for fitted models.

    `runs_code`: whether loading runs code from the file (refused with MMF_ALLOW_PICKLE=0).
    `tolerance`: the format's precision, as the largest difference between predictions of the
    original and of the saved model, relative to the largest prediction.
    """

    suffixes: ClassVar[tuple[str, ...]]
    runs_code: ClassVar[bool] = False
    tolerance: ClassVar[float] = 0.0
    settings: ClassVar[type[SettingsGroup] | None] = None

    def holds(self, path: Path) -> bool:
        """Whether the file has this format, judged by its suffix."""
        return path.suffix.lower() in self.suffixes

    def trusting(self, types: Iterable[str]) -> ModelFormat:
        """Return this format with more trusted types, if it restricts types at all."""
        return self

    @abstractmethod
    def load(self, path: Path) -> Any:
        """Return the object in the file; may raise anything."""

    def save(self, model: Any, path: Path, example: Any) -> None:
        """Write `model` to a new file; `example` is a valid input. May raise anything."""
        raise NotImplementedError(f"{type(self).__name__} can be loaded only")

    def schema_of(self, source: Any) -> dict[str, Any] | None:
        """Return the columns (name → type) declared in a model's file or by a loaded model.

        None if `source`, a path or an object, is not a model of this format with such columns.
        """
        return None
