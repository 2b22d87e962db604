"""The spans of a request: one for all of it, and one for each stage that it reached.

Imported only if spans are exported. Names and attributes follow OpenTelemetry's semantic
conventions for HTTP servers; `mmf.*` are ours.
"""

from __future__ import annotations

from time import perf_counter, time_ns
from typing import TYPE_CHECKING

from opentelemetry import context as current
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, StatusCode, Tracer

if TYPE_CHECKING:
    from ..execution import Timings
    from ..web.request_context import RequestContext

_SERVER_ERROR = 500


class RequestSpan:
    """The span of one request: below the caller's, and the current one until it ends."""

    def __init__(self, tracer: Tracer, request: RequestContext) -> None:
        # When perf_counter() was 0. Read once, so that the spans fit together as the stages did.
        self._epoch = time_ns() - int(perf_counter() * 1e9)
        self._tracer = tracer
        self._span = tracer.start_span(
            request.method,
            context=propagate.extract(_headers(request)),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": request.method, "url.path": request.path},
            start_time=self._nanoseconds(request.started),
        )
        self._token = current.attach(trace.set_span_in_context(self._span))

    @property
    def ids(self) -> dict[str, str]:
        """The ids of its trace and of itself, as log lines have them."""
        span = self._span.get_span_context()
        return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}

    def end(self, request: RequestContext) -> None:
        """End it, with what has become known of the request."""
        current.detach(self._token)
        if self._span.is_recording():
            self._describe_response(request)
            if request.target:
                self._describe_target(request)
        self._span.end(self._nanoseconds(perf_counter()))

    def _describe_response(self, request: RequestContext) -> None:
        self._span.set_attribute("http.response.status_code", request.status)
        if request.status >= _SERVER_ERROR:
            self._span.set_attribute("error.type", str(request.status))
            self._span.set_status(StatusCode.ERROR)

    def _describe_target(self, request: RequestContext) -> None:
        # Paths that callers make up are not span names; those of targets are few.
        self._span.update_name(f"{request.method} {request.path}")
        timings = request.timings
        attributes = {
            "http.route": request.path,
            "mmf.target": request.target,
            "mmf.request_id": request.request_id,
            "mmf.rows_in": request.rows_in,
            "mmf.rows_out": request.rows_out,
            "mmf.batch_size": timings.batch_size if timings else None,
        }
        self._span.set_attributes(
            {name: value for name, value in attributes.items() if value is not None}
        )
        if timings:
            self._add_stages(request.started, timings)

    def _add_stages(self, started: float, timings: Timings) -> None:
        called = timings.entered + timings.queue
        stages = {
            "decode": (started, timings.entered),
            "queue": (timings.entered, called),
            "call": (called, called + timings.call),
            "encode": (timings.encode_started, timings.encode_started + timings.encode),
        }
        parent = trace.set_span_in_context(self._span)
        for name, (start, end) in stages.items():
            if end > start:  # the request has reached this stage
                span = self._tracer.start_span(name, parent, start_time=self._nanoseconds(start))
                span.end(self._nanoseconds(end))

    def _nanoseconds(self, moment: float) -> int:
        """Return a moment on `perf_counter`'s clock in nanoseconds since 1970."""
        return self._epoch + int(moment * 1e9)


def _headers(request: RequestContext) -> dict[str, str]:
    return {
        name[5:].replace("_", "-").lower(): value
        for name, value in request.environ.items()
        if name.startswith("HTTP_")
    }
