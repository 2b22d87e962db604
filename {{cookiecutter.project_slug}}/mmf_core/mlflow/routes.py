"""MLflow's scoring protocol: `POST /invocations`, as `mlflow models serve` answers it.

Read from the sources of MLflow 3.17; docs/mlflow.md lists where this differs on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from flask import Blueprint, Response, current_app, request

from ..errors import UnknownTarget
from ..execution import Execution
from ..web.http.responses import json_response
from ..web.protocols import ErrorReport, Protocol, Service
from ..web.request_context import enter_target, execute
from . import predictions
from .inputs import Input
from .openapi import ROUTE, section, served
from .settings import MLflowSettings

_STRICT = "MMF_MLFLOW_STRICT"
_INVALID = "BAD_REQUEST", "INVALID_PARAMETER_VALUE", "KAM00"
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
    executions, is_strict = service.executions, MLflowSettings.from_env().strict
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


def error(report: ErrorReport) -> Response:
    """Respond `error_code message sqlstate error_class`; for an unknown Content-Type, text."""
    status = report.status
    details = [
        _in_words(detail) for detail in report.errors if detail["message"] not in report.detail
    ]
    message = "; ".join([report.detail, *details])
    if status == HTTPStatus.UNSUPPORTED_MEDIA_TYPE:
        return Response(message, status, content_type="text/plain; charset=utf-8")
    if status == HTTPStatus.INTERNAL_SERVER_ERROR and current_app.config[_STRICT]:
        status = HTTPStatus.BAD_REQUEST
    default = _FAILED if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _INVALID
    code, error_class, sqlstate = _CODES.get(HTTPStatus(status), default)
    body = {
        "error_code": code,
        "message": message,
        "sqlstate": sqlstate,
        "error_class": error_class,
    }
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:  # MLflow knows no 422
        status = HTTPStatus.BAD_REQUEST
    return json_response(body, status)


PROTOCOL = Protocol(
    name="mlflow", segments=(ROUTE,), blueprints=blueprints, error=error, openapi=section
)


def _invoke(execution: Execution, body: Input | None) -> Response:
    target = execution.target
    enter_target(target)
    values, is_chat = body.read(request) if body else ({}, False)
    result = execute(execution, values)
    return predictions.answer(result, target, wrapped=not is_chat)


def _in_words(detail: Mapping[str, Any]) -> str:
    """Say where something is wrong; the caller's own values are not sent back."""
    places = [f"{place} {detail[place]}" for place in ("row", "column") if place in detail]
    return f"{', '.join(places) or detail.get('where', 'body')}: {detail['message']}"
