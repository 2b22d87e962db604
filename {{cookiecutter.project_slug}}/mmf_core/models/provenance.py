"""What a model was made with: the libraries whose objects are in it."""

from __future__ import annotations

import io
import pickle
from importlib.metadata import packages_distributions, version
from typing import Any


def made_with(model: Any) -> dict[str, str]:
    """Return the versions of the packages whose objects make up a model.

    Empty for a model that an object of this package runs (a graph, a document): its file holds no
    other library's objects.
    """
    kinds = _Kinds()
    try:
        kinds.dump(model)
    except Exception:  # noqa: BLE001 - what cannot be pickled was looked at up to there
        kinds.add(model)
    if type(model).__module__.partition(".")[0] == __name__.partition(".")[0]:
        return {}
    packages = packages_distributions()
    names = {package for module in kinds.modules for package in packages.get(module, [])}
    return {name: version(name) for name in sorted(names)}


class _Kinds(pickle.Pickler):
    """Notes where the class of each object that would be pickled is from; writes nothing."""

    def __init__(self) -> None:
        super().__init__(_Nowhere(), protocol=5, buffer_callback=lambda _: None)
        self.modules: set[str] = set()

    def persistent_id(self, one: Any) -> None:
        """Take note; every object is asked for its id first."""
        self.add(one)

    def add(self, one: Any) -> None:
        """Note the module of an object's class, or of the object if it has one itself."""
        module = getattr(one, "__module__", None) or type(one).__module__
        if isinstance(module, str):
            self.modules.add(module.partition(".")[0])


class _Nowhere(io.RawIOBase):
    def write(self, data: Any) -> int:
        return len(data)
