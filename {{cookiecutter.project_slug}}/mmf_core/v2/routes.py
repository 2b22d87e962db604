"""The routes under /v2. Every target is a model; errors are `{"error": …}`, 400 for a bad body."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from .. import __version__
from ..web.authorization import visible
from ..web.errors import not_ready
from ..web.health import unready_reason
from ..web.http.responses import json_response
from ..web.protocols import ErrorReport, Protocol, Service
from ..web.request_context import enter_target
from . import models
from .messages import inference_response, read_inference
from .openapi import section

_AS_400 = {406, 415, 422}  # statuses that this protocol does not use


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return all routes."""
    routes = Blueprint("v2", __name__, url_prefix="/v2")
    _server_routes(routes, service)
    _model_routes(routes, service)

    @routes.post("/models/<model>/infer")
    @routes.post("/models/<model>/versions/<version>/infer")
    def infer(model: str, version: str = "") -> Response:
        execution = models.find(service, model, version)
        target = execution.target
        enter_target(target)
        inference = read_inference(request)
        served, tensors = models.infer(service, execution, version, inference)
        try:
            return inference_response(target, served, inference, tensors)
        except (TypeError, ValueError) as error:
            raise models.unwritable(target, error) from error

    return [routes]


def error(report: ErrorReport) -> Response:
    """Respond `{"error": …}`, with the error details as text."""
    status = 400 if report.status in _AS_400 else report.status
    return json_response({"error": report.in_words()}, status)


PROTOCOL = Protocol(
    name="v2", segments=("v2",), blueprints=blueprints, error=error, openapi=section
)


def _server_routes(routes: Blueprint, service: Service) -> None:
    @routes.get("", strict_slashes=False)
    def server() -> Response:
        extensions = ["binary_tensor_data"]
        return json_response(
            {"name": "mmf-flask", "version": __version__, "extensions": extensions}
        )

    @routes.get("/health/live")
    def live() -> Response:
        return json_response({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        return _unready(service) or json_response({"live": True, "ready": True})

    @routes.get("/models")
    def model_names() -> Response:
        return json_response({"models": list(visible(service).single_results)})

    @routes.post("/repository/index")
    def index() -> Response:
        return json_response(models.index(service))


def _model_routes(routes: Blueprint, service: Service) -> None:
    @routes.get("/models/<model>")
    @routes.get("/models/<model>/versions/<version>")
    def metadata(model: str, version: str = "") -> Response:
        return json_response(models.metadata(service, model, version))

    @routes.get("/models/<model>/ready")
    @routes.get("/models/<model>/versions/<version>/ready")
    def model_ready(model: str, version: str = "") -> Response:
        models.find(service, model)
        if response := _unready(service):  # the version is only known once it is loaded
            return response
        models.find(service, model, version)
        return json_response({"name": model, "ready": True})


def _unready(service: Service) -> Response | None:
    reason = unready_reason(service.registry)
    return not_ready(reason) if reason else None
