"""OpenTelemetry, if its variables ask for it and its packages are there: looked at once.

In each worker after the fork, because what exports spans is a thread. Samplers, resources,
propagators and limits are read from their variables by the packages themselves.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

    from .spans import Spans

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
_log = logging.getLogger("mmf.tracing")
_spans: Spans | None = None


def tracer() -> Spans | None:
    """Return what makes the spans of requests; None where nobody has asked for them."""
    return _spans


def start() -> None:
    """Begin with spans, if OpenTelemetry's variables ask for it."""
    global _spans  # noqa: PLW0603 - one for this process
    if _spans or not (names := list(_exporters())):
        return
    try:
        from .spans import Spans

        _spans = Spans(_provider(names))
    except ImportError as error:
        _log.warning("no spans: %s; pip install opentelemetry-sdk and an exporter", error)


def _exporters() -> Iterator[str]:
    """Yield the exporters of OTEL_TRACES_EXPORTER; OTLP too where only its address is set."""
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


def _provider(names: list[str]) -> Any:
    """Return the provider of `opentelemetry-instrument` or the author; else make one."""
    from opentelemetry import trace
    from opentelemetry.sdk.trace import TracerProvider

    there = trace.get_tracer_provider()
    if isinstance(there, TracerProvider):
        return there
    provider = TracerProvider()
    _export(provider, names)
    trace.set_tracer_provider(provider)
    return provider


def _export(provider: TracerProvider, names: list[str]) -> None:
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    for name in names:
        found = entry_points(group="opentelemetry_traces_exporter", name=name)
        if not found:
            _log.warning("no spans: the package of the exporter %s is not installed", name)
        for entry in found:
            provider.add_span_processor(BatchSpanProcessor(entry.load()()))
