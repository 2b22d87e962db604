"""Metrics that are read when Prometheus scrapes, and cost a request nothing."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import astuple

from prometheus_client.core import GaugeMetricFamily

from .. import __version__
from ..artifact import Artifact
from ..capabilities import parts
from ..processes import resident
from ..registry import Registry
from . import multiproc_dir


class ServiceState:
    """A collector of readiness, versions, memory and artifacts."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield every metric."""
        registry = self._registry
        failed = bool(registry.last_reload_error.read())
        versions = (__version__, platform.python_version())
        yield _gauge("mmf_ready", "1 if this worker is ready.", (), [((), registry.is_ready)])
        yield _gauge("mmf_reload_failed", "1 if the last reload failed.", (), [((), failed)])
        yield _gauge("mmf_build_info", "Always 1.", ("version", "python"), [(versions, 1)])
        yield _gauge(
            "mmf_worker_memory_bytes",
            "Resident memory, including what workers share.",
            ("pid",),
            _memory(),
        )
        yield from _of_artifacts(registry.artifacts.values())
        for gauges in parts("gauges"):
            for gauge in gauges():
                labels, *keys = map(_as_tuple, (gauge.label, *gauge.values))
                samples = zip(keys, gauge.values.values(), strict=True)
                yield _gauge(gauge.name, gauge.help_text, labels, samples)


def _of_artifacts(artifacts: Iterable[Artifact]) -> Iterator[GaugeMetricFamily]:
    by_name = {artifact.info.file: artifact for artifact in artifacts}
    infos = [(astuple(artifact.info), 1) for artifact in by_name.values()]
    yield _gauge("mmf_artifact_info", "Always 1.", ("artifact", "version", "sha256"), infos)
    for metric, help_text, attribute in (
        ("mmf_artifact_load_seconds", "How long loading took.", "seconds"),
        ("mmf_artifact_loaded_timestamp_seconds", "When it was loaded.", "loaded_at"),
        ("mmf_artifact_modified_timestamp_seconds", "When its file was written.", "modified_at"),
    ):
        values = {name: getattr(artifact.loading, attribute) for name, artifact in by_name.items()}
        samples = [((name,), value) for name, value in values.items() if value]
        yield _gauge(metric, help_text, ("artifact",), samples)


def _gauge(
    name: str,
    help_text: str,
    labels: Sequence[str],
    samples: Iterable[tuple[Sequence[str], float]],
) -> GaugeMetricFamily:
    gauge = GaugeMetricFamily(name, help_text, labels=labels)
    for values, value in samples:
        gauge.add_metric(values, value)
    return gauge


def _as_tuple(label: str | tuple[str, ...]) -> tuple[str, ...]:
    return (label,) if isinstance(label, str) else label


def _memory() -> Iterator[tuple[Sequence[str], float]]:
    """Yield the resident memory of each worker in bytes, on systems that have /proc."""
    slots = multiproc_dir.slots()
    for pid in slots.worker_pids() if slots else [os.getpid()]:
        with suppress(OSError):
            yield (str(pid),), resident(pid)
