"""The libraries whose objects a model consists of."""

from __future__ import annotations

import io
import pickle
from importlib.metadata import packages_distributions, version
from typing import Any


def made_with(model: Any) -> dict[str, str]:
    """Return the installed versions of the packages whose objects a model contains.

    Empty for a model that an object of this package runs (a graph, a document): its file holds no
    other library's objects.
    """
    collector = _ModuleCollector()
    try:
        collector.dump(model)
    except Exception:  # noqa: BLE001 - an object that cannot be pickled is read up to that point
        collector.add(model)
    if type(model).__module__.partition(".")[0] == __name__.partition(".")[0]:
        return {}
    packages = packages_distributions()
    names = {package for module in collector.modules for package in packages.get(module, [])}
    return {name: version(name) for name in sorted(names)}


class _ModuleCollector(pickle.Pickler):
    """Collects the modules of all objects that would be pickled; writes nothing."""

    def __init__(self) -> None:
        super().__init__(_NullFile(), protocol=5, buffer_callback=lambda _: None)
        self.modules: set[str] = set()

    def persistent_id(self, value: Any) -> None:
        """Collect the object's module; pickle calls this first for every object."""
        self.add(value)

    def add(self, value: Any) -> None:
        """Collect the module of an object, or of its class."""
        module = getattr(value, "__module__", None) or type(value).__module__
        if isinstance(module, str):
            self.modules.add(module.partition(".")[0])


class _NullFile(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)
