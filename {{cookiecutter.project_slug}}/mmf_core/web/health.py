"""Health: alive while the process responds, ready when every artifact is loaded and warm."""

from __future__ import annotations

from flask import Blueprint, Response

from .. import __version__
from ..readiness import server_status
from ..registry import Registry
from .authorization import needs_token
from .errors import not_ready
from .http.responses import json_response
from .openapi.sections import OpenAPISection, error_refs, response


def blueprint(registry: Registry) -> Blueprint:
    """Return the routes for load balancers and people; GET and HEAD."""
    routes = Blueprint("health", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return json_response({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        if reason := unready_reason(registry):
            return not_ready(reason)
        if needs_token():
            return json_response({"ready": True})
        # With a rejected version or an outdated copy, it can still take requests.
        remarks = {
            "reload": registry.last_reload_error.read(),
            "warnings": registry.warnings,
            "workers": server_status.workers(),
        }
        return json_response(
            {"ready": True} | {key: remark for key, remark in remarks.items() if remark}
        )

    @routes.get("/ping")
    @routes.get("/health")
    def ping() -> Response:
        if reason := unready_reason(registry):
            return not_ready(reason)
        return Response("\n", content_type="application/json")  # as MLflow's server responds

    @routes.get("/version")
    def version() -> Response:
        return Response(__version__, content_type="text/plain")

    return routes


def unready_reason(registry: Registry) -> str:
    """Return why no requests should be sent, empty if it is ready: as much as everybody may know.

    A reason may name targets and files, of which callers without a token learn nothing.
    """
    reason = registry.not_ready_reason
    return "the service is not ready" if reason and needs_token() else reason


def section() -> OpenAPISection:
    """Describe these routes."""
    live = {"type": "object", "properties": {"live": {"const": True}}, "required": ["live"]}
    ready = {
        "type": "object",
        "properties": {
            "ready": {"const": True},
            "reload": {"description": "why the last reload was rejected (failed), and when (at)"},
            "warnings": {"description": "such as: the copy of an artifact is outdated"},
            "workers": {"description": "how many workers accept requests, unless all do"},
        },
        "required": ["ready"],
    }
    responses = {
        "/health/live": ("the process is alive", response("alive", live)),
        "/health/ready": ("every artifact is loaded", response("ready", ready)),
        "/health": ("readiness, with an empty body", {"description": "ready"}),
        "/ping": ("readiness, with an empty body", {"description": "ready"}),
        "/version": (
            "the version of mmf_core",
            response("the version", {"type": "string"}, "text/plain"),
        ),
    }
    may_be_unready = ("/health/ready", "/health", "/ping")
    return OpenAPISection(
        tag="health",
        description="For load balancers and people.",
        paths={
            path: {
                "get": {
                    "operationId": path.strip("/").replace("/", "_"),
                    "summary": summary,
                    "responses": {
                        "200": success,
                        **error_refs("Problem", *([503] if path in may_be_unready else [])),
                    },
                }
            }
            for path, (summary, success) in responses.items()
        },
    )
