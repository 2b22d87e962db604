"""What is looked up when somebody asks, and costs no request anything."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..processes import resident
from ..registry import Registry
from . import multiproc_dir
from .families import ARTIFACT, BUILD, LOAD, LOADED, MEMORY, MODIFIED, READY, REFUSED, Family

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

Samples = Iterable[tuple[tuple[str, ...], float]]


class State:
    """A collector: readiness, artifacts and memory, as they are now."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        registry = self._registry
        yield _family(READY, [((), registry.is_ready)])
        yield _family(REFUSED, [((), bool(registry.last_reload_error.read()))])
        yield _family(BUILD, [((__version__, platform.python_version()), 1)])
        yield _family(MEMORY, [((str(pid),), size) for pid, size in _memory()])
        artifacts = {artifact.info.file: artifact for artifact in registry.artifacts.values()}
        yield _family(ARTIFACT, [(astuple(artifact.info), 1) for artifact in artifacts.values()])
        for family, attribute in (
            (LOAD, "seconds"),
            (LOADED, "loaded_at"),
            (MODIFIED, "modified_at"),
        ):
            values = {name: getattr(one.loading, attribute) for name, one in artifacts.items()}
            yield _family(family, [((name,), value) for name, value in values.items() if value])


def _family(family: Family, samples: Samples) -> Any:
    from prometheus_client.core import GaugeMetricFamily

    metric = GaugeMetricFamily(family.name, family.help, labels=family.labels)
    for labels, value in samples:
        metric.add_metric(labels, value)
    return metric


def _memory() -> Iterator[tuple[int, int]]:
    """Yield the resident memory of each worker, in bytes, where the system tells it in /proc."""
    for pid in multiproc_dir.pids():
        with suppress(OSError):
            yield pid, resident(pid)
