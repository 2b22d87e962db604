"""The routes under /v2. Every target is a model; errors are `{"error": …}`, 400 for a bad body."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, Response, request

from .. import __version__
from ..errors import UnknownTarget
from ..execution import Execution
from ..web.errors import not_ready
from ..web.http.responses import json_response
from ..web.protocols import ErrorReport, Protocol, Service
from ..web.request_context import enter_target, execute
from . import messages
from .openapi import section
from .values import about_inputs, about_outputs, arguments, results

_NOT_OURS = {406, 415, 422}  # statuses that this protocol does not have


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Give all routes."""
    routes = Blueprint("v2", __name__, url_prefix="/v2")
    _about_server(routes, service)
    _about_models(routes, service)

    @routes.post("/models/<model>/infer")
    @routes.post("/models/<model>/versions/<version>/infer")
    def infer(model: str, version: str = "") -> Response:
        return _infer(_find(service, model, version), service.registry.version)

    return [routes]


def error(report: ErrorReport) -> Response:
    """Respond `{"error": …}`, with the error details in words."""
    sentences = [report.detail, *map(_in_words, report.errors)]
    status = 400 if report.status in _NOT_OURS else report.status
    return json_response({"error": "; ".join(dict.fromkeys(sentences))}, status)


PROTOCOL = Protocol(
    name="v2", segments=("v2",), blueprints=blueprints, error=error, openapi=section
)


def _infer(execution: Execution, version: str) -> Response:
    target = execution.target
    enter_target(target)
    inference = messages.read(request)
    values = arguments(target, inference.tensors, inference.parameters)
    result = execute(execution, values)
    outputs = results(target.returns, result) if target.returns else []
    return messages.write(target, version, inference, outputs)


def _about_server(routes: Blueprint, service: Service) -> None:
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
    def models() -> Response:
        return json_response({"models": list(service.executions)})

    @routes.post("/repository/index")
    def index() -> Response:
        state = {"state": "READY" if service.registry.is_ready else "UNAVAILABLE", "reason": ""}
        if version := service.registry.version:
            state["version"] = version
        return json_response([{"name": one} | state for one in service.executions])


def _about_models(routes: Blueprint, service: Service) -> None:
    @routes.get("/models/<model>")
    @routes.get("/models/<model>/versions/<version>")
    def metadata(model: str, version: str = "") -> Response:
        target = _find(service, model, version).target
        about = {"platform": "mmf-flask", "inputs": about_inputs(target)}
        versions = {"versions": _versions(service)} if _versions(service) else {}
        return json_response(
            {"name": model} | versions | about | {"outputs": about_outputs(target)}
        )

    @routes.get("/models/<model>/ready")
    @routes.get("/models/<model>/versions/<version>/ready")
    def model_ready(model: str, version: str = "") -> Response:
        _find(service, model)
        if response := _unready(service):  # its version is not known before
            return response
        _find(service, model, version)
        return json_response({"name": model, "ready": True})


def _unready(service: Service) -> Response | None:
    reason = service.registry.not_ready_reason
    return not_ready(reason) if reason else None


def _versions(service: Service) -> list[str]:
    """Return the version of all targets, if they have one."""
    return [service.registry.version] if service.registry.version else []


def _find(service: Service, model: str, version: str = "") -> Execution:
    if model not in service.executions:
        every = ", ".join(service.executions)
        raise UnknownTarget(f"no model is called {model}; there are: {every}")
    if version and version not in _versions(service):
        there = "".join(_versions(service)) or "none"
        raise UnknownTarget(f"{model} has no version {version}; there is {there}")
    return service.executions[model]


def _in_words(fault: dict[str, Any]) -> str:
    places = [f"{place} {fault[place]}" for place in ("row", "column") if place in fault]
    return f"{', '.join(places)}: {fault['message']}" if places else str(fault["message"])
