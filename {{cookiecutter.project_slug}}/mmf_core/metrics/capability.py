"""Metrics for Prometheus at `/metrics`."""

from collections.abc import Iterable

from flask import Blueprint

from ..capabilities import Capability
from ..web.openapi.sections import OpenAPISection, response
from ..web.protocols import Service
from . import multiproc_dir, recorder
from .observer import MetricsObserver
from .routes import ROUTE, blueprint
from .user_metrics import withdrawn


def _blueprints(service: Service) -> Iterable[Blueprint]:
    return [blueprint(service.registry)]


def _openapi(_service: Service) -> OpenAPISection:
    samples = response("samples", {"type": "string"}, "text/plain")
    operation = {
        "operationId": "metrics",
        "summary": "numbers for Prometheus",
        "responses": {"200": samples},
    }
    return OpenAPISection("metrics", "For Prometheus.", {ROUTE: {"get": operation}})


CAPABILITY = Capability(
    summary="metrics for Prometheus at /metrics",
    blueprints=_blueprints,
    openapi=_openapi,
    observer=MetricsObserver,
    before_load=multiproc_dir.prepare,
    worker_started=recorder.begin,
    worker_exited=multiproc_dir.fold,
    reimporting=withdrawn,
)
