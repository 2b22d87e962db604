"""`GET /metrics`: what all processes of the service have counted."""

from __future__ import annotations

import os

from flask import Blueprint, Response, request
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from ..registry import Registry
from ..web.http.content_encoding import compress
from . import multiproc_dir
from .service_state import ServiceState


def blueprint(registry: Registry) -> Blueprint:
    """Return the route, in Prometheus's text format or in OpenMetrics, as `Accept` asks."""
    routes = Blueprint("metrics", __name__)
    routes.after_request(compress)
    state = ServiceState(registry)

    @routes.get("/metrics")
    def metrics() -> Response:
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        return Response(encode(_collectors(state)), content_type=content_type)

    return routes


def _collectors(state: ServiceState) -> CollectorRegistry:
    """Return the state and the counts: those of all processes, or of this one if it is alone."""
    collectors = CollectorRegistry()
    collectors.register(state)
    if multiproc_dir.VARIABLE not in os.environ:
        collectors.register(REGISTRY)
        return collectors
    if slots := multiproc_dir.slots():
        slots.clear_dead()
    MultiProcessCollector(collectors)
    return collectors
