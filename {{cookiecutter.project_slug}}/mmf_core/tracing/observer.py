"""Ties log lines to the caller's trace and, if OpenTelemetry is set up, creates spans."""

from __future__ import annotations

from ..web.request_context import RequestContext, RequestObserver
from . import setup
from .traceparent import parse_traceparent

_SPAN = "mmf.span"  # in the environment of a request


class Tracing(RequestObserver):
    """Puts the ids of the trace and the span into every log line of a request."""

    def started(self, context: RequestContext) -> None:
        """Begin a span, or refer to the caller's."""
        if tracer := setup.tracer:
            from .spans import RequestSpan

            span = context.environ[_SPAN] = RequestSpan(tracer, context)
            context.log_fields = span.ids
        elif "HTTP_TRACEPARENT" in context.environ:
            context.log_fields = parse_traceparent(context.environ["HTTP_TRACEPARENT"])

    def finished(self, context: RequestContext) -> None:
        """End the span."""
        if span := context.environ.pop(_SPAN, None):
            span.end(context)
