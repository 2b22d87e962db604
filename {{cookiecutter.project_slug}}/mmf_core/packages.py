"""Optional libraries, and modules of this package that may be deleted."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from pkgutil import iter_modules
from typing import Any, ClassVar

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
        missing = {
            package: None
            for module, package in self.requires.items()
            if module not in sys.modules and not _is_installed(module)
        }
        return list(missing)


def zstd_module() -> Any:
    """Return the standard library's zstd (Python 3.14) or its backport; None without both."""
    for name in ("compression.zstd", "backports.zstd"):
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


def find_declared(package: str, name: str, suffix: str = "") -> dict[str, Any]:
    """Return what the modules of a package declare under `name`, by module in alphabetical order.

    For parts that are present if their module is: deleting the file removes the part. Only modules
    whose names end in `suffix` are imported.
    """
    infos = iter_modules(import_module(package).__path__)
    names = sorted(info.name for info in infos if info.name.endswith(suffix))
    modules = {module: import_module(f"{package}.{module}") for module in names}
    return {
        module: getattr(content, name)
        for module, content in modules.items()
        if hasattr(content, name)
    }


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # for a.b, the package a is missing
        return False
