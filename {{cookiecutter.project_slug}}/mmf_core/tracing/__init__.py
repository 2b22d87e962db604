"""Tracing: the trace that a request belongs to, and OpenTelemetry's spans where it is set up."""

from .context import Trace as Trace
from .context import taken as taken
from .setup import start as start
from .setup import tracer as tracer
