"""MLflow's scoring protocol: `POST /invocations`, as `mlflow models serve` answers it.

Read from the sources of MLflow 3.17; docs/mlflow.md lists where this differs on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, request

from ..errors import UnknownTarget
from ..execution import Execution
from ..web.http import responses
from ..web.protocols import Problem, Protocol, Service, run
from . import predictions
from .inputs import Input
from .openapi import ROUTE, chapter, served

_STRICT = "MMF_MLFLOW_STRICT"
_WRONG = "BAD_REQUEST", "INVALID_PARAMETER_VALUE", "KAM00"
_FAILED = "INTERNAL_ERROR", "CLIENT_INTERNAL_ERROR", "XXM00"
# error_code, error_class, sqlstate: mlflow/exceptions.py and error_classification.py.
_CODES = {
    HTTPStatus.NOT_FOUND: ("ENDPOINT_NOT_FOUND", "RESOURCE_NOT_FOUND", "KAM00"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        *("INVALID_PARAMETER_VALUE", "SCHEMA_ENFORCEMENT_FAILED", "KAM01"),
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: ("TEMPORARILY_UNAVAILABLE", *_FAILED[1:]),
    HTTPStatus.GATEWAY_TIMEOUT: ("DEADLINE_EXCEEDED", *_FAILED[1:]),
}


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Give the default target's route, and one for each target."""
    routes = Blueprint("mlflow", __name__)
    executions, is_strict = service.executions, service.settings.mlflow_strict
    routes.record_once(lambda state: state.app.config.update({_STRICT: is_strict}))
    inputs = {route: Input.of(one.target) for route, one in executions.items()}
    default = served(executions)

    @routes.post(f"/{ROUTE}")
    def invoke() -> Response:
        if default is None:
            every = ", ".join(f"/{ROUTE}/{route}" for route in executions)
            raise UnknownTarget(f"which target? POST to one of {every}")
        return _invoke(default, inputs[default.target.route])

    @routes.post(f"/{ROUTE}/<target>")
    def invoke_one(target: str) -> Response:
        if target not in executions:
            raise UnknownTarget(f"no target {target}; there are: {', '.join(executions)}")
        return _invoke(executions[target], inputs[target])

    yield routes


def error(problem: Problem) -> Response:
    """Answer `error_code message sqlstate error_class`; a wrong Content-Type is told as text."""
    status = problem.status
    faults = [_fault(one) for one in problem.errors if one["message"] not in problem.detail]
    message = "; ".join([problem.detail, *faults])
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return Response(message, status, content_type="text/plain; charset=utf-8")
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and current_app.config[_STRICT]:
        status = HTTPStatus.BAD_REQUEST
    usual = _FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _WRONG
    code, kind, sqlstate = _CODES.get(HTTPStatus(status), usual)
    body = {"error_code": code, "message": message, "sqlstate": sqlstate, "error_class": kind}
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:  # MLflow knows no 422
        status = HTTPStatus.BAD_REQUEST
    return responses.plain(body, status)


PROTOCOL = Protocol(blueprints, error, (ROUTE,), name="mlflow", chapter=chapter)


def _invoke(execution: Execution, body: Input | None) -> Response:
    call = _Call(execution, body)
    return run(execution, call.read, call.answer)


@dataclass(slots=True)
class _Call:
    """One request, whose answer depends on how it was written."""

    execution: Execution
    body: Input | None
    is_chat: bool = field(default=False)

    def read(self) -> Mapping[str, Any]:
        values: Mapping[str, Any] = {}
        if self.body:
            values, self.is_chat = self.body.read(request)
        return values

    def answer(self, result: Any) -> Response:
        target = self.execution.target
        return predictions.answer(result, target, wrapped=not self.is_chat)


def _fault(fault: Mapping[str, Any]) -> str:
    """Say where something is wrong; the caller's own values are not sent back."""
    places = [f"{place} {fault[place]}" for place in ("row", "column") if place in fault]
    return f"{', '.join(places) or fault.get('where', 'body')}: {fault['message']}"
