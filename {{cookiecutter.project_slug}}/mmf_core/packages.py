"""Optional libraries, and modules of this package that may be deleted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from types import ModuleType
from typing import ClassVar

from .errors import MissingPackage


class OptionalDependency:
    """A part that needs optional libraries; `requires` maps their modules to packages."""

    requires: ClassVar[Mapping[str, str]] = {}

    @property
    def is_available(self) -> bool:
        """Whether all libraries are installed."""
        return not self._missing()

    def require(self, purpose: str) -> None:
        """Raise MissingPackage, with the pip command, unless all libraries are installed."""
        if missing := self._missing():
            raise MissingPackage(purpose, missing)

    def preload(self) -> None:
        """Import the installed libraries now rather than during the first request."""
        for module in self.requires:
            if _is_installed(module):
                import_module(module)

    def _missing(self) -> list[str]:
        return [
            package
            for module, package in self.requires.items()
            if module not in sys.modules and not _is_installed(module)
        ]


def find_modules(package: str, suffix: str) -> list[ModuleType]:
    """Import the modules of a package whose names end in `suffix`, in alphabetical order.

    For parts that are present if their module is: deleting the file removes the part.
    """
    modules = iter_modules(import_module(package).__path__)
    names = sorted(module.name for module in modules if module.name.endswith(suffix))
    return [import_module(f"{package}.{name}") for name in names]


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # for a.b, the package a is missing
        return False
