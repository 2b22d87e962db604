"""What main.py itself counts by prometheus_client, when main.py is imported anew.

prometheus_client refuses a second metric of the same name, so those of the old modules go first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any


@contextmanager
def withdrawn(modules: Iterable[ModuleType]) -> Iterator[None]:
    """Take the metrics in these modules out of the registry; if the block fails, put them back."""
    from prometheus_client import REGISTRY

    held = {id(one) for module in modules for one in vars(module).values()}
    old = [one for one in _registered() if id(one) in held]
    for metric in old:
        REGISTRY.unregister(metric)
    others = _registered()
    try:
        yield
    except BaseException:
        for metric in _registered():
            if metric not in others:
                REGISTRY.unregister(metric)
        for metric in old:
            REGISTRY.register(metric)
        raise


def _registered() -> list[Any]:
    from prometheus_client import REGISTRY

    return list(REGISTRY._collector_to_names)  # noqa: SLF001 - there is no other way to ask
