"""The routes under /v2. Every target is a model; errors are `{"error": …}`, 400 for a bad body."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Response, request

from .. import __version__
from ..codecs import as_frame
from ..errors import ResultError, UnknownTarget
from ..execution import Execution
from ..web.authorization import visible
from ..web.errors import not_ready
from ..web.health import unready_reason
from ..web.http.responses import json_response
from ..web.protocols import ErrorReport, Protocol, Service, refuse_rest_only
from ..web.request_context import current_context, enter_target, execute
from .messages import inference_response, read_inference
from .openapi import section
from .values import arguments_from, describe_inputs, describe_outputs, output_tensors

_AS_400 = {406, 415, 422}  # statuses that this protocol does not use


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return all routes."""
    routes = Blueprint("v2", __name__, url_prefix="/v2")
    _server_routes(routes, service)
    _model_routes(routes, service)

    @routes.post("/models/<model>/infer")
    @routes.post("/models/<model>/versions/<version>/infer")
    def infer(model: str, version: str = "") -> Response:
        execution = _find(service, model, version)
        target = execution.target
        enter_target(target)
        if version and execution.versions:  # as if the caller had sent the header
            request.environ["HTTP_X_MODEL_VERSION"] = version
        inference = read_inference(request)
        values = arguments_from(target, inference.tensors, inference.parameters, inference.budget)
        result = as_frame(execute(execution, values))
        context = current_context()
        given = (context and context.model_version) or service.registry.version
        if version and execution.versions and given != version:  # of which no caller gets any
            raise _unknown_version(version, model, [given])
        try:
            tensors = output_tensors(target.returns, result) if target.returns else []
            return inference_response(target, given, inference, tensors)
        except (TypeError, ValueError) as error:
            reason = f"the result cannot be written as tensors: {error}"
            raise ResultError(f"{target.route}: {reason}") from error

    return [routes]


def error(report: ErrorReport) -> Response:
    """Respond `{"error": …}`, with the error details in words."""
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
    def models() -> Response:
        return json_response({"models": list(visible(service).single_results)})

    @routes.post("/repository/index")
    def index() -> Response:
        state = {"state": "READY" if service.registry.is_ready else "UNAVAILABLE", "reason": ""}
        if version := service.registry.version:
            state["version"] = version
        models = visible(service).single_results
        return json_response([{"name": model} | state for model in models])


def _model_routes(routes: Blueprint, service: Service) -> None:
    @routes.get("/models/<model>")
    @routes.get("/models/<model>/versions/<version>")
    def metadata(model: str, version: str = "") -> Response:
        target = _find(service, model, version).target
        known = _versions(service, model)
        versions = {"versions": known} if known else {}
        return json_response(
            {
                "name": model,
                **versions,
                "platform": "mmf-flask",
                "inputs": describe_inputs(target),
                "outputs": describe_outputs(target),
            }
        )

    @routes.get("/models/<model>/ready")
    @routes.get("/models/<model>/versions/<version>/ready")
    def model_ready(model: str, version: str = "") -> Response:
        _find(service, model)
        if response := _unready(service):  # the version is only known once it is loaded
            return response
        _find(service, model, version)
        return json_response({"name": model, "ready": True})


def _unready(service: Service) -> Response | None:
    reason = unready_reason(service.registry)
    return not_ready(reason) if reason else None


def _versions(service: Service, model: str) -> list[str]:
    """Return the version that all targets share, if they have one; both of them in a rollout."""
    version = service.registry.version
    return list(service.executions[model].versions) or ([version] if version else [])


def _find(service: Service, model: str, version: str = "") -> Execution:
    if model not in service.executions:
        raise UnknownTarget(
            f"unknown model {model}; available: {', '.join(service.single_results)}"
        )
    versions = _versions(service, model)
    if version and version not in versions:
        raise _unknown_version(version, model, versions)
    refuse_rest_only(service.executions[model].target)
    return service.executions[model]


def _unknown_version(version: str, model: str, versions: list[str]) -> UnknownTarget:
    available = ", ".join(versions) or "none"
    return UnknownTarget(f"unknown version {version} of {model}; available: {available}")
