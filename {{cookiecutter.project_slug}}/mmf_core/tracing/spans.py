"""The spans of a request: one for all of it, and one for each stage that it came to.

Names and attributes follow OpenTelemetry's semantic conventions for HTTP servers; `mmf.*` are ours.
"""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import __version__
from .context import Trace

if TYPE_CHECKING:
    from opentelemetry.trace import Span

    from ..web.request_context import RequestContext

_SERVERS_FAULT = 500


class ActiveSpan(NamedTuple):
    """A span that goes on, what undoes its being the current one, and its request.

    `epoch` is the time of day, in nanoseconds, at which `perf_counter` was 0: read once, so that
    the spans of a request lie in each other as its stages did.
    """

    span: Span
    trace: Trace
    token: Any
    method: str
    path: str
    epoch: int

    def time_of_day(self, moment: float) -> int:
        """Return when a moment on `perf_counter`'s clock was, in nanoseconds since 1970."""
        return self.epoch + int(moment * 1e9)


class Spans:
    """Makes spans with a provider's tracer."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry import context, propagate, trace

        self._context, self._propagate, self._trace = context, propagate, trace
        self._tracer = provider.get_tracer("mmf_core", __version__)

    def begin(self, context: RequestContext) -> ActiveSpan:
        """Begin the request's span, below the caller's; spans of the author's code go below it."""
        headers = {
            name[5:].replace("_", "-").lower(): text
            for name, text in context.environ.items()
            if name.startswith("HTTP_")
        }
        method, path = context.method, context.path
        epoch = time_ns() - int(perf_counter() * 1e9)
        span = self._tracer.start_span(
            method,
            context=self._propagate.extract(headers),
            kind=self._trace.SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": path},
            start_time=epoch + int(context.started * 1e9),
        )
        known = span.get_span_context()
        trace = Trace(f"{known.trace_id:032x}", f"{known.span_id:016x}")
        token = self._context.attach(self._trace.set_span_in_context(span))
        return ActiveSpan(span, trace, token, method, path, epoch)

    def end(self, active: ActiveSpan, context: RequestContext) -> None:
        """End it, with what has become known meanwhile."""
        self._context.detach(active.token)
        span = active.span
        if span.is_recording():
            span.set_attribute("http.response.status_code", context.status)
            if context.status >= _SERVERS_FAULT:
                span.set_attribute("error.type", str(context.status))
                span.set_status(self._trace.StatusCode.ERROR)
            if context.target:
                self._describe_target(active, context)
        span.end(active.time_of_day(perf_counter()))

    def _describe_target(self, active: ActiveSpan, context: RequestContext) -> None:
        span = active.span
        span.update_name(f"{active.method} {active.path}")  # it has a target, so it is one of a few
        attributes = {
            "http.route": active.path,
            "mmf.target": context.target,
            "mmf.request_id": context.request_id,
            "mmf.rows_in": context.rows_in,
            "mmf.rows_out": context.rows_out,
        }
        timings = context.timings
        if timings:
            attributes["mmf.batch_size"] = timings.batch_size
        span.set_attributes(
            {name: value for name, value in attributes.items() if value is not None}
        )
        if timings:
            entered, encode_started = timings.entered, timings.encode_started
            called = entered + timings.queue
            self._stage(active, "decode", context.started, entered)
            self._stage(active, "queue", entered, called)
            self._stage(active, "call", called, called + timings.call)
            self._stage(active, "encode", encode_started, encode_started + timings.encode)

    def _stage(self, parent: ActiveSpan, name: str, began: float, ended: float) -> None:
        """Make a span of a stage that has been, between two moments on `perf_counter`'s clock."""
        if ended > began:
            inside = self._trace.set_span_in_context(parent.span)
            start = parent.time_of_day(began)
            span = self._tracer.start_span(name, context=inside, start_time=start)
            span.end(parent.time_of_day(ended))
