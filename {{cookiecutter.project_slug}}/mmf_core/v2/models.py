"""The models of the protocol: the targets of a service, their versions, and a call of one."""

from __future__ import annotations

from typing import Any

from flask import request

from ..errors import ResultError, UnknownTarget
from ..execution import Execution
from ..target import Target
from ..web.authorization import check_target, visible
from ..web.protocols import Service, refuse_rest_only
from ..web.request_context import current_context, execute
from .messages import InferenceRequest
from .tensors import Tensor
from .values import arguments_from, describe_inputs, describe_outputs, output_tensors


def find(service: Service, model: str, version: str = "") -> Execution:
    """Return the execution of a model; UnknownTarget if there is no such model or version.

    The caller may not reach every model: gRPC has its name in the message, not in the address.
    """
    check_target(model)
    if model not in service.executions:
        raise UnknownTarget(
            f"unknown model {model}; available: {', '.join(service.single_results)}"
        )
    available_versions = versions(service, model)
    if version and version not in available_versions:
        raise _unknown_version(version, model, available_versions)
    refuse_rest_only(service.executions[model].target)
    return service.executions[model]


def versions(service: Service, model: str) -> list[str]:
    """Return the version that all targets share, if they have one; both of them in a rollout."""
    version = service.registry.version
    return list(service.executions[model].versions) or ([version] if version else [])


def infer(
    service: Service, execution: Execution, version: str, inference: InferenceRequest
) -> tuple[str, list[Tensor]]:
    """Return the version that computed the result, and the result; UnknownTarget if another did.

    An empty `version` is any.
    """
    target = execution.target
    if version and execution.versions:  # as if the caller had sent the header
        request.environ["HTTP_X_MODEL_VERSION"] = version
    values = arguments_from(target, inference.tensors, inference.parameters, inference.budget)
    result = execute(execution, values)
    context = current_context()
    served = (context and context.model_version) or service.registry.version
    if version and execution.versions and served != version:  # whose result no caller gets
        raise _unknown_version(version, target.route, [served])
    try:
        return served, output_tensors(target.returns, result) if target.returns else []
    except (TypeError, ValueError) as error:
        raise unwritable(target, error) from error


def unwritable(target: Target, error: Exception) -> ResultError:
    """Return the error of a result that tensors, or their messages, cannot hold."""
    return ResultError(f"{target.route}: the result cannot be written as tensors: {error}")


def metadata(service: Service, model: str, version: str = "") -> dict[str, Any]:
    """Return what a model takes and returns, as far as it is declared."""
    target = find(service, model, version).target
    available_versions = versions(service, model)
    return {
        "name": model,
        **({"versions": available_versions} if available_versions else {}),
        "platform": "mmf-flask",
        "inputs": describe_inputs(target),
        "outputs": describe_outputs(target),
    }


def index(service: Service) -> list[dict[str, str]]:
    """Return all models and their states."""
    state = {"state": "READY" if service.registry.is_ready else "UNAVAILABLE", "reason": ""}
    if version := service.registry.version:
        state["version"] = version
    return [{"name": model} | state for model in visible(service).single_results]


def _unknown_version(version: str, model: str, available_versions: list[str]) -> UnknownTarget:
    available = ", ".join(available_versions) or "none"
    return UnknownTarget(f"unknown version {version} of {model}; available: {available}")
