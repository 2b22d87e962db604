"""Health: alive as long as the process answers, ready when every artifact is loaded and warm."""

from __future__ import annotations

from flask import Blueprint, Response

from .. import __version__
from ..readiness import server_status
from ..registry import Registry
from .errors import problem
from .http.responses import plain
from .openapi.sections import answer, refused
from .protocols import OpenAPISection


def blueprint(registry: Registry) -> Blueprint:
    """Return the routes that load balancers and people ask; GET and HEAD."""
    routes = Blueprint("health", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return plain({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        if missing := registry.not_ready_reason:
            return problem(503, missing, [], Retry_After="10")
        # Neither a rejected reload nor an older copy makes the service unready.
        details = {
            "reload": registry.last_reload_error.read(),
            "warnings": registry.warnings,
            "workers": server_status.workers(),
        }
        return plain({"ready": True} | {name: detail for name, detail in details.items() if detail})

    @routes.get("/ping")
    @routes.get("/health")
    def ping() -> Response:
        if missing := registry.not_ready_reason:
            return problem(503, missing, [], Retry_After="10")
        return Response("\n", content_type="application/json")  # as MLflow's server answers

    @routes.get("/version")
    def version() -> Response:
        return Response(__version__, content_type="text/plain")

    return routes


def chapter() -> OpenAPISection:
    """Describe these routes."""
    live = {"type": "object", "properties": {"live": {"const": True}}, "required": ["live"]}
    ready = {
        "type": "object",
        "properties": {
            "ready": {"const": True},
            "reload": {"description": "why the last reload was rejected (failed), and when (at)"},
            "warnings": {"description": "such as that an artifact's copy is an older one"},
            "workers": {"description": "how many accept requests, unless all do"},
        },
        "required": ["ready"],
    }
    answers = {
        "/health/live": ("the process answers", answer("alive", live)),
        "/health/ready": ("every artifact is loaded", answer("ready", ready)),
        "/health": ("the same, as MLflow's server answers", {"description": "ready"}),
        "/ping": ("the same, as MLflow's server answers", {"description": "ready"}),
        "/metrics": ("numbers for Prometheus", answer("samples", {"type": "string"}, "text/plain")),
        "/version": ("of mmf_core", answer("a version", {"type": "string"}, "text/plain")),
    }
    unready = ("/health/ready", "/health", "/ping")
    return OpenAPISection(
        tag="health",
        about="For load balancers and people.",
        paths={
            path: {
                "get": {
                    "operationId": path.strip("/").replace("/", "_"),
                    "summary": summary,
                    "responses": {
                        "200": response,
                        **refused("Problem", *([503] if path in unready else [])),
                    },
                }
            }
            for path, (summary, response) in answers.items()
        },
    )
