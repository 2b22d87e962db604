"""Tracing: the trace that a request belongs to, and OpenTelemetry's spans where it is set up."""
