"""The spans of a request: one for all of it, and one for each stage that it came to.

Names and attributes follow OpenTelemetry's semantic conventions for HTTP servers; `mmf.*` are ours.
"""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from .. import __version__
from .context import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

    from ..web.request_context import RequestContext

_SERVERS_FAULT = 500


class Begun(NamedTuple):
    """A span that goes on, what undoes its being the current one, and its request.

    `epoch` is the time of day, in nanoseconds, at which `perf_counter` was 0: read once, so that
    the spans of a request lie in each other as its stages did.
    """

    span: Span
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

    def begin(self, environ: Mapping[str, Any], path: str, exchange: RequestContext) -> Begun:
        """Begin the request's span, below the caller's; spans of the author's code go below it."""
        headers = {
            name[5:].replace("_", "-").lower(): text
            for name, text in environ.items()
            if name.startswith("HTTP_")
        }
        method = environ["REQUEST_METHOD"]
        epoch = time_ns() - int(perf_counter() * 1e9)
        span = self._tracer.start_span(
            method,
            context=self._propagate.extract(headers),
            kind=self._trace.SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": path},
            start_time=epoch + int(exchange.started * 1e9),
        )
        known = span.get_span_context()
        exchange.trace = Trace(f"{known.trace_id:032x}", f"{known.span_id:016x}")
        token = self._context.attach(self._trace.set_span_in_context(span))
        return Begun(span, token, method, path, epoch)

    def end(self, begun: Begun, exchange: RequestContext) -> None:
        """End it, with what has become known meanwhile."""
        self._context.detach(begun.token)
        span = begun.span
        if span.is_recording():
            span.set_attribute("http.response.status_code", exchange.status)
            if exchange.status >= _SERVERS_FAULT:
                span.set_attribute("error.type", str(exchange.status))
                span.set_status(self._trace.StatusCode.ERROR)
            if exchange.target:
                self._tell_target(begun, exchange)
        span.end(begun.time_of_day(perf_counter()))

    def _tell_target(self, begun: Begun, exchange: RequestContext) -> None:
        span = begun.span
        span.update_name(f"{begun.method} {begun.path}")  # it has a target, so it is one of a few
        told = {
            "http.route": begun.path,
            "mmf.target": exchange.target,
            "mmf.request_id": exchange.request_id,
            "mmf.rows_in": exchange.rows_in,
            "mmf.rows_out": exchange.rows_out,
        }
        measures = exchange.measures
        if measures:
            told["mmf.joined"] = measures.joined
        span.set_attributes({name: one for name, one in told.items() if one is not None})
        if measures:
            entered, encoding = measures.entered, measures.encoding
            called = entered + measures.queue
            self._stage(begun, "decode", exchange.started, entered)
            self._stage(begun, "queue", entered, called)
            self._stage(begun, "call", called, called + measures.call)
            self._stage(begun, "encode", encoding, encoding + measures.encode)

    def _stage(self, parent: Begun, name: str, began: float, ended: float) -> None:
        """Make a span of a stage that has been, between two moments on `perf_counter`'s clock."""
        if ended > began:
            inside = self._trace.set_span_in_context(parent.span)
            start = parent.time_of_day(began)
            span = self._tracer.start_span(name, context=inside, start_time=start)
            span.end(parent.time_of_day(ended))
