"""The interface of a model format: suffixes, loading and, mostly, saving."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from ..packages import OptionalDependency
from ..settings import SettingsGroup
from .inputs import ModelInputs


class ModelFormat(OptionalDependency, ABC):
    """A file format for fitted models.

    `library`: the package of the loaded objects, which checks what they are given.
    `runs_code`: whether loading runs code from the file (refused with MMF_ALLOW_PICKLE=0).
    `tolerance`: the format's precision, as the largest difference between predictions of the
    original and of the saved model, relative to the largest prediction.
    """

    suffixes: ClassVar[tuple[str, ...]]
    library: ClassVar[str] = ""
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

    def inputs_of(self, model: Any) -> ModelInputs | None:
        """Return the columns that a loaded model takes; None if it is not of this kind.

        DescriptorError if the model does not know them.
        """
        return None

    def inputs_of_file(self, path: Path) -> ModelInputs | None:
        """Return the columns that a file of this format declares without being loaded."""
        return None
