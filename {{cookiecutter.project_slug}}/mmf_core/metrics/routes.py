"""`GET /metrics`: what all processes of the service have counted."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from flask import Blueprint, Response, request
from prometheus_client import REGISTRY, CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from ..registry import Registry
from ..web.http.content_encoding import compress
from ..web.http.requests import MAX_HEADER
from . import multiproc_dir
from .service_state import ServiceState


def blueprint(registry: Registry) -> Blueprint:
    """Return the route, in Prometheus's text format or in OpenMetrics, as `Accept` asks."""
    routes = Blueprint("metrics", __name__)
    routes.after_request(compress)
    state = ServiceState(registry)

    @routes.get("/metrics")
    def metrics() -> Response:
        encode, content_type = _encoder(request.environ.get("HTTP_ACCEPT", ""))
        return Response(encode(_collectors(state)), content_type=content_type)

    return routes


def _encoder(accept: str) -> tuple[Callable[[CollectorRegistry], bytes], str]:
    """Return what writes metrics, and its media type; plain text for what cannot be understood."""
    try:
        return choose_encoder(accept if len(accept) <= MAX_HEADER else "")
    except TypeError:  # of a version that is not a number
        return choose_encoder("")


def _collectors(state: ServiceState) -> CollectorRegistry:
    """Return the state and the counts: those of all processes, or of this one if it is alone."""
    collectors = CollectorRegistry()
    collectors.register(state)
    if multiproc_dir.VARIABLE not in os.environ:
        collectors.register(REGISTRY)
        return collectors
    if slots := multiproc_dir.slots():
        slots.clear_dead()
    collectors.register(_CountsOfAll(Path(os.environ[multiproc_dir.VARIABLE])))
    return collectors


class _CountsOfAll:
    """The counts of all processes, without files that a process has just opened.

    prometheus_client's own collector fails on a file that is still empty.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def collect(self) -> Iterable[Metric]:
        """Add up the counts of all processes."""
        files = [str(file) for file in self._directory.glob("*.db") if _size(file)]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(files)
        return metrics


def _size(file: Path) -> int:
    with suppress(FileNotFoundError):  # its process has ended meanwhile
        return file.stat().st_size
    return 0
