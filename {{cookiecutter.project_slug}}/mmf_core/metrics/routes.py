"""`GET /metrics`: everything that all processes of the service have counted."""

from __future__ import annotations

import os

from flask import Blueprint, Response, request

from ..registry import Registry
from . import multiproc_dir, recorder
from .state import State

ROUTE = "/metrics"


def blueprint(registry: Registry) -> Blueprint:
    """Give the route, in Prometheus's text format or in OpenMetrics, as `Accept` asks."""
    # Now, before the fork, so that the workers share it.
    from prometheus_client import REGISTRY, CollectorRegistry
    from prometheus_client.exposition import choose_encoder
    from prometheus_client.multiprocess import MultiProcessCollector

    routes = Blueprint("metrics", __name__)
    state = State(registry)

    @routes.get(ROUTE)
    def metrics() -> Response:
        recorder.start()
        multiproc_dir.fold()  # what was left because another one was being told just then
        asked = CollectorRegistry()
        asked.register(state)
        MultiProcessCollector(asked, str(multiproc_dir.path()))
        if multiproc_dir.VARIABLE not in os.environ:  # what main.py counts is in this process alone
            asked.register(REGISTRY)
        encode, content_type = choose_encoder(request.headers.get("Accept", ""))
        with multiproc_dir.unchanged():
            return Response(encode(asked), content_type=content_type)

    return routes
