"""The trace of every request, and its spans where OpenTelemetry is set up."""

from __future__ import annotations

from ..web.request_context import RequestContext, RequestObserver
from .context import parse_traceparent
from .setup import tracer

_FIELDS = ("trace_id", "span_id")


class TracingObserver(RequestObserver):
    """Puts the ids of trace and span into a request's log lines."""

    def started(self, context: RequestContext) -> None:
        header = context.environ.get("HTTP_TRACEPARENT")
        trace = parse_traceparent(header) if header else None
        if spans := tracer():
            span = spans.begin(context)
            context.environ["mmf.span"] = span
            trace = span.trace
        if trace:
            context.log_fields.update(zip(_FIELDS, trace, strict=True))

    def finished(self, context: RequestContext) -> None:
        spans, span = tracer(), context.environ.pop("mmf.span", None)
        if spans and span:
            spans.end(span, context)
