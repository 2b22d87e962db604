"""Imports the benchmarks' modules as their commands do, and forgets them afterwards."""

import importlib
import sys
from collections.abc import Callable, Iterator
from types import ModuleType

import pytest

from baking import ROOT

FOLDER = ROOT / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Return what imports a module of benchmarks/ by its name."""
    monkeypatch.syspath_prepend(str(FOLDER))
    monkeypatch.setattr(sys, "pycache_prefix", sys.pycache_prefix)
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", "")
    before = set(sys.modules)
    yield importlib.import_module
    for name in set(sys.modules) - before:
        if str(FOLDER) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
