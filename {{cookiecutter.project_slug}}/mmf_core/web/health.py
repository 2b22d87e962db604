"""Health: alive as long as the process answers, ready when every artifact is loaded and warm."""

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
        if missing := registry.missing:
            return problem(503, missing, [], Retry_After="10")
        # Neither a version that was not taken nor an older copy is a reason to stay away.
        told = {"reload": registry.refused.read(), "notes": registry.notes}
        return plain({"ready": True} | {name: text for name, text in told.items() if text})

    @routes.get("/ping")
    @routes.get("/health")
    def ping() -> Response:
        if missing := registry.missing:
            return problem(503, missing, [], Retry_After="10")
        return Response("\n", content_type="application/json")  # as MLflow's server answers

    @routes.get("/version")
    def version() -> Response:
        return Response(__version__, content_type="text/plain")

    return routes
