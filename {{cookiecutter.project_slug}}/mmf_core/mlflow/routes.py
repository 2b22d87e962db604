"""MLflow's scoring protocol: `POST /invocations`, as `mlflow models serve` implements it.

Taken from the source of MLflow 3.17; docs/mlflow.md lists where this differs on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus

from flask import Blueprint, Response, current_app, request

from ..codecs import as_frame
from ..errors import UnknownTarget
from ..execution import Execution
from ..web.authorization import visible
from ..web.http.responses import json_response
from ..web.protocols import ErrorReport, Protocol, Service, refuse_rest_only
from ..web.request_context import enter_target, execute
from .default_target import ROUTE, default_execution
from .inputs import Input
from .openapi import section
from .predictions import predictions_response
from .settings import MLflowSettings

_STRICT = "MMF_MLFLOW_STRICT"
_INVALID = "BAD_REQUEST", "INVALID_PARAMETER_VALUE", "KAM00"
_FAILED = "INTERNAL_ERROR", "CLIENT_INTERNAL_ERROR", "XXM00"
# error_code, error_class, sqlstate: mlflow/exceptions.py and error_classification.py.
_CODES = {
    HTTPStatus.UNAUTHORIZED: ("UNAUTHENTICATED", *_INVALID[1:]),
    HTTPStatus.FORBIDDEN: ("PERMISSION_DENIED", *_INVALID[1:]),
    HTTPStatus.TOO_MANY_REQUESTS: ("REQUEST_LIMIT_EXCEEDED", *_INVALID[1:]),
    HTTPStatus.NOT_FOUND: ("ENDPOINT_NOT_FOUND", "RESOURCE_NOT_FOUND", "KAM00"),
    HTTPStatus.UNPROCESSABLE_ENTITY: (
        *("INVALID_PARAMETER_VALUE", "SCHEMA_ENFORCEMENT_FAILED", "KAM01"),
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: ("TEMPORARILY_UNAVAILABLE", *_FAILED[1:]),
    HTTPStatus.GATEWAY_TIMEOUT: ("DEADLINE_EXCEEDED", *_FAILED[1:]),
}


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return the default target's route, and the route of each target."""
    routes = Blueprint("mlflow", __name__)
    executions, is_strict = service.executions, MLflowSettings.from_env().strict
    routes.record_once(lambda state: state.app.config.update({_STRICT: is_strict}))
    inputs = {route: Input.of(execution.target) for route, execution in executions.items()}
    default = default_execution(executions)

    @routes.post(f"/{ROUTE}")
    def invoke_default() -> Response:
        if default is None:
            routes = visible(service).single_results
            addresses = ", ".join(f"/{ROUTE}/{route}" for route in routes)
            raise UnknownTarget(f"there is no default target; POST to one of {addresses or 'none'}")
        return _invoke(default, inputs[default.target.route])

    @routes.post(f"/{ROUTE}/<target>")
    def invoke(target: str) -> Response:
        if target not in executions:
            raise UnknownTarget(f"unknown target {target}; available: {', '.join(executions)}")
        return _invoke(executions[target], inputs[target])

    return [routes]


def error(report: ErrorReport) -> Response:
    """Respond `error_code message sqlstate error_class`; for an unknown Content-Type, text."""
    status, message = report.status, report.in_words()
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
    if status == HTTPStatus.UNPROCESSABLE_ENTITY:  # a status that MLflow does not use
        status = HTTPStatus.BAD_REQUEST
    return json_response(body, status)


PROTOCOL = Protocol(
    name="mlflow", segments=(ROUTE,), blueprints=blueprints, error=error, openapi=section
)


def _invoke(execution: Execution, body: Input | None) -> Response:
    target = execution.target
    refuse_rest_only(target)
    enter_target(target)
    values, is_unwrapped = body.read(request) if body else ({}, False)
    result = as_frame(execute(execution, values))
    return predictions_response(result, target, wrapped=not is_unwrapped)
