"""Tracing: log lines have the caller's trace, OpenTelemetry gets spans where it is set up."""

from __future__ import annotations

from ..capabilities import Capability
from .observer import Tracing
from .setup import start

CAPABILITY = Capability(
    observer=Tracing,
    worker_started=start,
)
