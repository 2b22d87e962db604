"""The routes under /v2. Every target is a model; errors are `{"error": …}`, 400 for a bad body."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from flask import Blueprint, Response, request

from ... import __version__
from ...errors import UnknownTarget
from ...execution import Execution
from ..answers import plain
from ..problems import problem
from ..protocols import Problem, Protocol, Service, run
from . import messages
from .chapter import chapter
from .values import about_inputs, about_outputs, arguments, results

_NOT_OURS = {406, 415, 422}  # statuses that this protocol does not have


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Give all routes."""
    routes = Blueprint("v2", __name__, url_prefix="/v2")
    _about_server(routes, service)
    _about_models(routes, service)

    @routes.post("/models/<model>/infer")
    def infer(model: str) -> Response:
        return _infer(_find(service.executions, model))

    return [routes]


def error(problem: Problem) -> Response:
    """Answer `{"error": …}`, with the faults in words."""
    told = [problem.detail, *map(_in_words, problem.errors)]
    status = 400 if problem.status in _NOT_OURS else problem.status
    return plain({"error": "; ".join(dict.fromkeys(told))}, status)


PROTOCOL = Protocol(blueprints, error, segments=("v2",), name="v2", chapter=chapter)


def _infer(execution: Execution) -> Response:
    target = execution.target
    asked: messages.Inference

    def read() -> dict[str, Any]:
        nonlocal asked
        asked = messages.read(request)
        return arguments(target, asked.tensors, asked.parameters)

    def answer(result: Any) -> Response:
        outputs = results(target.returns, result) if target.returns else []
        return messages.write(target, asked, outputs)

    return run(execution, read, answer)


def _about_server(routes: Blueprint, service: Service) -> None:
    @routes.get("", strict_slashes=False)
    def server() -> Response:
        extensions = ["binary_tensor_data"]
        return plain({"name": "mmf-flask", "version": __version__, "extensions": extensions})

    @routes.get("/health/live")
    def live() -> Response:
        return plain({"live": True})

    @routes.get("/health/ready")
    def ready() -> Response:
        return _unready(service) or plain({"live": True, "ready": True})

    @routes.get("/models")
    def models() -> Response:
        return plain({"models": list(service.executions)})

    @routes.post("/repository/index")
    def index() -> Response:
        state = "READY" if service.registry.is_ready else "UNAVAILABLE"
        return plain([{"name": one, "state": state, "reason": ""} for one in service.executions])


def _about_models(routes: Blueprint, service: Service) -> None:
    @routes.get("/models/<model>")
    def metadata(model: str) -> Response:
        target = _find(service.executions, model).target
        return plain(
            {
                "name": model,
                "platform": "mmf-flask",
                "inputs": about_inputs(target),
                "outputs": about_outputs(target),
            }
        )

    @routes.get("/models/<model>/ready")
    def model_ready(model: str) -> Response:
        _find(service.executions, model)
        return _unready(service) or plain({"name": model, "ready": True})

    @routes.get("/models/<model>/versions/<version>")
    @routes.get("/models/<model>/versions/<version>/ready")
    @routes.post("/models/<model>/versions/<version>/infer")
    def versioned(model: str, version: str) -> Response:
        _find(service.executions, model)
        raise UnknownTarget(f"{model} has no version {version}; leave /versions/{version} out")


def _unready(service: Service) -> Response | None:
    missing = service.registry.missing
    return problem(503, missing, [], Retry_After="10") if missing else None


def _find(executions: Mapping[str, Execution], model: str) -> Execution:
    if model not in executions:
        raise UnknownTarget(f"no model is called {model}; there are: {', '.join(executions)}")
    return executions[model]


def _in_words(fault: dict[str, Any]) -> str:
    places = [f"{place} {fault[place]}" for place in ("row", "column") if place in fault]
    return f"{', '.join(places)}: {fault['message']}" if places else str(fault["message"])
