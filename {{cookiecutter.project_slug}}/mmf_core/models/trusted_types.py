"""The types that a model file may create when it is loaded.

A file says what its types are called with, and which state they get. So a type is trusted only if
nothing comes of that but an object: `numpy.load` unpickles a file, `scipy.stats` runs a part of its
state as code, a `numpy.memmap` overwrites the file that it names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Set
from importlib import import_module
from inspect import isclass

TRUSTED = {
    "numpy.dtype",
    "numpy.mean",  # FeatureAgglomeration's pooling
    "scipy._lib.array_api_compat.numpy._aliases.asarray",  # of a BSpline
    "scipy.interpolate._bsplines.BSpline",
    "sklearn.cluster._kmeans._kmeans_single_lloyd",
    "sklearn.utils._bunch.Bunch",
}
"""What fitted estimators of scikit-learn hold besides its own classes."""
_SPARSE = re.compile(r"scipy\.sparse\._\w+\.\w+_(?:array|matrix)")
_FUNCTIONS = re.compile(r"sklearn\.(?:feature_selection|metrics|preprocessing)\._\w+\.\w+")
_METADATA = "sklearn.utils._metadata_requests"
_TOOLS = {
    *("__check_build", "_build_utils", "callback", "conftest", "datasets", "experimental"),
    *("externals", "inspection", "tests", "utils"),
}
"""Modules of scikit-learn that compile, fetch, write or run what they are given."""


def check_trusted(types: Iterable[str], listed: Set[str] = frozenset()) -> list[str]:
    """Return `types`, sorted; TypeError names those neither scikit-learn's own nor `listed`."""
    types = sorted(types)
    untrusted = [name for name in types if name not in listed and not _is_trusted(name)]
    if untrusted:
        raise TypeError(
            f"untrusted types (not of fitted models of sklearn): {', '.join(untrusted)}; "
            f"if you trust them: mmfmeta lock --trust {' --trust '.join(untrusted)}"
        )
    return types


def _is_trusted(name: str) -> bool:
    module, _, member = name.rpartition(".")
    if name in TRUSTED:
        return True
    if _SPARSE.fullmatch(name):
        return isclass(_member(module, member))
    package, *modules = module.split(".")
    if package != "sklearn" or (module != _METADATA and not _TOOLS.isdisjoint(modules)):
        return False
    definition = _member(module, member)
    return isclass(definition) or (callable(definition) and _FUNCTIONS.fullmatch(name) is not None)


def _member(module: str, name: str) -> object:
    """Return what a module of a trusted package defines by a name; None for what it imports."""
    try:
        member = getattr(import_module(module), name, None)
    except ImportError:
        return None
    return member if getattr(member, "__module__", "") == module else None
