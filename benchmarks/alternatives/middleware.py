"""The cost of CORS and of spans for a request of an empty Flask application, in several ways."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterable
from typing import Any

os.environ["OTEL_SEMCONV_STABILITY_OPT_IN"] = "http"  # else the names of 2022

from flask import Flask
from opentelemetry.instrumentation.flask import FlaskInstrumentor
from opentelemetry.instrumentation.wsgi import OpenTelemetryMiddleware
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from mmf_core.cors import capability as cors
from mmf_core.tracing.spans import RequestSpan
from mmf_core.web.request_context import RequestContext

ORIGIN = "https://pages.example"
Application = Callable[..., Iterable[bytes]]


class NoExporter(SpanExporter):
    """Drops every span."""

    def export(self, spans: Any) -> SpanExportResult:
        return SpanExportResult.SUCCESS


def provider() -> TracerProvider:
    """Return a provider that works as in production, but for the network."""
    spans = TracerProvider()
    spans.add_span_processor(BatchSpanProcessor(NoExporter()))
    return spans


def empty() -> Flask:
    """Return an application with one route that does nothing."""
    app = Flask("empty")
    app.post("/score")(lambda: "[]")
    return app


def with_cors() -> Application:
    """Return it with this project's use of Flask-CORS."""
    app = empty()
    app.register_blueprint(cors.blueprint((ORIGIN,)))
    return app.wsgi_app


def with_our_span() -> Application:
    """Return it with the span that this project makes, without those of its stages."""
    app, tracer = empty().wsgi_app, provider().get_tracer("mmf_core")

    def serve(environ: Any, start_response: Any) -> Iterable[bytes]:
        context = RequestContext("-", environ)
        context.target, context.status = "score", 200
        span = RequestSpan(tracer, context)
        try:
            return app(environ, start_response)
        finally:
            span.end(context)

    return serve


def with_flask_instrumentation() -> Application:
    """Return it with opentelemetry-instrumentation-flask."""
    app = empty()
    FlaskInstrumentor().instrument_app(app, tracer_provider=provider())
    return app.wsgi_app


def request_of(app: Application) -> Callable[[], bytes]:
    """Return what sends a request to an application."""

    def send() -> bytes:
        environ = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/score",
            "QUERY_STRING": "",
            "CONTENT_LENGTH": "0",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "localhost",
            "HTTP_ORIGIN": ORIGIN,
            "REMOTE_ADDR": "127.0.0.1",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
        }
        return b"".join(app(environ, lambda *_: None))

    return send


WSGI_INSTRUMENTATION = OpenTelemetryMiddleware(empty().wsgi_app, tracer_provider=provider())
ACTIONS = {
    "an empty view": request_of(empty().wsgi_app),
    "Flask-CORS": request_of(with_cors()),
    "a span by mmf_core": request_of(with_our_span()),
    "opentelemetry-instrumentation-wsgi": request_of(WSGI_INSTRUMENTATION),
    "opentelemetry-instrumentation-flask": request_of(with_flask_instrumentation()),
}
