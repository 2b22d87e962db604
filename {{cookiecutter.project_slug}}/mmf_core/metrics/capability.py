"""Metrics for Prometheus at `/metrics`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from ..capabilities import Capability
from ..web.openapi.sections import OpenAPISection, response
from . import multiproc_dir

if TYPE_CHECKING:
    from flask import Blueprint

    from ..web.protocols import Service
    from ..web.request_context import RequestObserver

# prometheus_client decides at import whether several processes count: the functions import it,
# which are called after multiproc_dir.setup().


def _blueprints(service: Service) -> list[Blueprint]:
    from .routes import blueprint

    return [blueprint(service.registry)]


def _openapi(_service: Service) -> OpenAPISection:
    samples = response("samples", {"type": "string"}, "text/plain")
    operation = {
        "operationId": "metrics",
        "summary": "metrics for Prometheus",
        "responses": {"200": samples},
    }
    return OpenAPISection("metrics", "For Prometheus.", {"/metrics": {"get": operation}})


def _observer() -> RequestObserver:
    from .request_metrics import RequestMetrics

    return RequestMetrics()


@contextmanager
def _reimporting(modules: Iterable[ModuleType]) -> Iterator[None]:
    from .user_metrics import unregistered

    with unregistered(modules):
        yield


CAPABILITY = Capability(
    blueprints=_blueprints,
    openapi=_openapi,
    groups={"metrics": "metrics"},
    observer=_observer,
    before_load=multiproc_dir.setup,
    worker_started=multiproc_dir.start_worker,
    reimporting=_reimporting,
)
