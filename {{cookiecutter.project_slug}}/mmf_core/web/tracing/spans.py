"""The spans of a request: one for all of it, and one for each stage that it came to.

Names and attributes follow OpenTelemetry's semantic conventions for HTTP servers; `mmf.*` are ours.
"""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING, Any, NamedTuple

from ... import __version__
from .context import Trace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from opentelemetry.trace import Span

    from ..exchange import Exchange

_SERVERS_FAULT = 500


class Begun(NamedTuple):
    """A span that goes on, what undoes its being the current one, and its request."""

    span: Span
    token: Any
    method: str
    path: str


class Spans:
    """Makes spans with a provider's tracer."""

    def __init__(self, provider: Any) -> None:
        from opentelemetry import context, propagate, trace

        self._context, self._propagate, self._trace = context, propagate, trace
        self._tracer = provider.get_tracer("mmf_core", __version__)

    def begin(self, environ: Mapping[str, Any], path: str, exchange: Exchange) -> Begun:
        """Begin the request's span, below the caller's; spans of the author's code go below it."""
        headers = {
            name[5:].replace("_", "-").lower(): text
            for name, text in environ.items()
            if name.startswith("HTTP_")
        }
        method = environ["REQUEST_METHOD"]
        span = self._tracer.start_span(
            method,
            context=self._propagate.extract(headers),
            kind=self._trace.SpanKind.SERVER,
            attributes={"http.request.method": method, "url.path": path},
        )
        known = span.get_span_context()
        exchange.trace = Trace(f"{known.trace_id:032x}", f"{known.span_id:016x}")
        token = self._context.attach(self._trace.set_span_in_context(span))
        return Begun(span, token, method, path)

    def end(self, begun: Begun, exchange: Exchange) -> None:
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
        span.end()

    def _tell_target(self, begun: Begun, exchange: Exchange) -> None:
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
            called = measures.entered + measures.queue
            self._stage(span, "decode", exchange.started, measures.decode)
            self._stage(span, "queue", measures.entered, measures.queue)
            self._stage(span, "call", called, measures.call)
            self._stage(span, "encode", measures.encoding, measures.encode)

    def _stage(self, parent: Span, name: str, began: float, seconds: float) -> None:
        """Make a span of a stage that is over; `began` is on `perf_counter`'s clock."""
        if seconds:
            start = time_ns() - int((perf_counter() - began) * 1e9)
            inside = self._trace.set_span_in_context(parent)
            span = self._tracer.start_span(name, context=inside, start_time=start)
            span.end(start + int(seconds * 1e9))
