"""What a model format is: some suffixes and a way to load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from ..packages import NeedsPackages


class ModelFormat(NeedsPackages, ABC):
    """One way to keep a fitted model in a file."""

    suffixes: ClassVar[tuple[str, ...]]

    @abstractmethod
    def load(self, path: Path) -> Any:
        """Return the object in the file; may raise anything."""
