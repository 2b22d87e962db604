"""Sets up OpenTelemetry if its variables are set and its packages are installed.

Once in each worker, after the fork, because an exporter is a thread. The packages themselves read
the variables for samplers, resources, propagators and limits.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import TYPE_CHECKING

from .. import __version__

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.trace import Tracer

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_log = logging.getLogger("mmf.tracing")
tracer: Tracer | None = None
"""Makes the spans of requests; None if no variable enables spans."""


def start() -> None:
    """Begin to export spans, if OpenTelemetry's variables enable it."""
    global tracer  # noqa: PLW0603 - one for this process
    if tracer or not (exporters := list(_exporters())):
        return
    try:
        tracer = _provider(exporters).get_tracer("mmf_core", __version__)
    except ImportError as error:
        _log.warning("no spans: %s; pip install opentelemetry-sdk and an exporter", error)


def _exporters() -> Iterator[str]:
    """Yield the exporters of OTEL_TRACES_EXPORTER, or OTLP if only its endpoint is set."""
    if os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return
    default = "otlp" if any(os.environ.get(name) for name in _ENDPOINTS) else "none"
    for name in (os.environ.get("OTEL_TRACES_EXPORTER") or default).split(","):
        if name.strip() == "otlp":
            protocols = (os.environ.get(variable) for variable in _PROTOCOLS)
            protocol = next(filter(None, protocols), "http/protobuf")
            yield "otlp_proto_grpc" if protocol == "grpc" else "otlp_proto_http"
        elif name.strip() not in ("", "none"):
            yield name.strip()


def _provider(exporters: list[str]) -> TracerProvider:
    """Return the provider of the author or of `opentelemetry-instrument`; else make one."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    existing = trace.get_tracer_provider()
    if isinstance(existing, TracerProvider):
        return existing
    provider = TracerProvider()
    _export(provider, exporters)
    trace.set_tracer_provider(provider)
    return provider


def _export(provider: TracerProvider, exporters: list[str]) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    for name in exporters:
        packages = entry_points(group="opentelemetry_traces_exporter", name=name)
        if not packages:
            _log.warning("no spans: the package of exporter %s is not installed", name)
        for entry in packages:
            provider.add_span_processor(BatchSpanProcessor(entry.load()()))
