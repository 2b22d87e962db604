"""`traceparent` in every log line, and OpenTelemetry's spans."""

from ..capabilities import Capability
from .observer import TracingObserver
from .setup import start

CAPABILITY = Capability(
    summary="trace ids in log lines, and OpenTelemetry's spans",
    observer=TracingObserver,
    worker_started=start,
)
