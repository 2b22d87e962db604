"""The metrics that main.py declares with prometheus_client, when main.py is imported again.

prometheus_client refuses a second metric of the same name, so those of the old modules go first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from prometheus_client import REGISTRY
from prometheus_client.registry import Collector


@contextmanager
def unregistered(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Unregister the metrics of these modules; register them again if the block fails."""
    values = [value for module in modules for value in vars(module).values()]
    old = [value for value in values if hasattr(type(value), "collect") and _unregister(value)]
    with _registrations() as new:
        try:
            yield
        except BaseException:
            for metric in new:
                _unregister(metric)
            for metric in old:
                REGISTRY.register(metric)
            raise


@contextmanager
def _registrations() -> Iterator[list[Collector]]:
    """Give the metrics that are registered in the block."""
    new: list[Collector] = []
    register = REGISTRY.register

    def record(collector: Collector) -> None:
        register(collector)
        new.append(collector)

    REGISTRY.register = record  # type: ignore[method-assign]
    try:
        yield new
    finally:
        REGISTRY.register = register  # type: ignore[method-assign]


def _unregister(metric: Collector) -> bool:
    try:
        REGISTRY.unregister(metric)
    except (KeyError, TypeError):  # not registered, or not hashable and so not a metric
        return False
    return True
