"""Health: alive as long as the process answers, ready when every artifact is loaded."""

from __future__ import annotations

from flask import Blueprint, Response

from .. import __version__
from ..registry import Registry
from .answers import plain
from .problems import problem


def blueprint(registry: Registry) -> Blueprint:
    """Return the routes that load balancers and people ask; GET and HEAD."""
    routes = Blueprint("health", __name__)

    @routes.get("/health/live")
    def live() -> Response:
        return plain({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        waiting = [one.name for one in registry.artifacts.values() if not one.is_loaded]
        if waiting:
            return problem(503, f"not loaded yet: {', '.join(waiting)}", [], Retry_After="10")
        return plain({"ready": True})

    @routes.get("/ping")
    @routes.get("/health")
    def ping() -> Response:
        if not registry.is_ready:
            return problem(503, "not every artifact is loaded yet", [], Retry_After="10")
        return Response("\n", content_type="application/json")  # as MLflow's server answers

    @routes.get("/version")
    def version() -> Response:
        return Response(__version__, content_type="text/plain")

    return routes
