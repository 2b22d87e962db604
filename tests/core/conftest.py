"""Fixtures for the tests of mmf_core in place."""

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from typing import Any

import pytest

from mmf_core import registry as registry_module
from mmf_core.registry import Registry

_POOLS: list[Any] = []
"""Pools of pyarrow, kept alive: buffers may be freed through them later."""


@pytest.fixture
def registry() -> Registry:
    """Return a new registry."""
    return Registry()


@pytest.fixture
def default_registry() -> Iterator[Registry]:
    """Yield the default registry, empty before and after the test."""
    default = registry_module.default
    default.targets.clear()
    default.artifacts.clear()
    yield default
    default.targets.clear()
    default.artifacts.clear()


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Return a function that makes modules appear uninstalled."""

    def hide(*hidden: str) -> None:
        def is_hidden(module: str) -> bool:
            return any(f"{module}.".startswith(f"{name}.") for name in hidden)

        for module in filter(is_hidden, [*sys.modules]):  # imported modules count as installed
            monkeypatch.delitem(sys.modules, module)
        monkeypatch.setattr(
            "mmf_core.packages.find_spec",
            lambda module: None if is_hidden(module) else find_spec(module),
        )

    return hide


@pytest.fixture
def arrow_pool() -> Iterator[Callable[[], Any]]:
    """Return a function that has pyarrow allocate from a separate, counting pool."""
    import pyarrow as pa

    def count() -> Any:
        _POOLS.append(pa.proxy_memory_pool(pa.default_memory_pool()))
        pa.set_memory_pool(_POOLS[-1])
        return _POOLS[-1]

    yield count
    pa.set_memory_pool(pa.default_memory_pool())
