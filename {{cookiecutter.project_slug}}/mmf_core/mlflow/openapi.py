"""The routes under /invocations in OpenAPI, with an example if the target takes one table."""

from __future__ import annotations

from typing import Any

from ..target import Target
from ..web.openapi.sections import (
    JSON,
    OpenAPISection,
    content_of,
    error_refs,
    error_responses,
    ref,
    response,
)
from ..web.protocols import Service
from .bodies import readable_formats
from .default_target import ROUTE, default_execution, tables_of
from .inputs import Input

_TEXT = {"type": "string"}
_ERROR_MEMBERS = ("error_code", "message", "sqlstate", "error_class")
_SCHEMAS = {
    "MLflowError": {
        "type": "object",
        "properties": dict.fromkeys(_ERROR_MEMBERS, _TEXT),
        "required": list(_ERROR_MEMBERS),
    },
    "MLflowResponse": {
        "type": "object",
        "properties": {
            "predictions": {"description": "a list, or another value that the target returns"}
        },
    },
}


def section(service: Service) -> OpenAPISection:
    """Describe the default target's route, and the route of each target."""
    paths = {
        f"/{ROUTE}/{route}": {"post": _operation(execution.target, service, f"mlflow_{route}")}
        for route, execution in service.single_results.items()
    }
    default = default_execution((service.whole or service).executions)
    if default and default.target.route in service.executions:
        paths[f"/{ROUTE}"] = {"post": _operation(default.target, service, "mlflow")}
    error = ref("schemas", "MLflowError")
    responses = error_responses(service.settings, "MLflow", error, JSON)
    responses["MLflow415"]["content"] = {"text/plain": {"schema": _TEXT}}
    return OpenAPISection(
        tag="mlflow",
        description="MLflow's scoring protocol, for clients of `mlflow models serve`.",
        paths=paths,
        components={"schemas": _SCHEMAS, "responses": responses},
    )


def _operation(target: Target, service: Service, operation_id: str) -> dict[str, Any]:
    body = Input.of(target)
    timeout = [504] if target.call_options.timeout or service.settings.timeout else []
    return {
        "operationId": operation_id,
        "summary": target.name,
        **({"requestBody": _request_body(target, body)} if body else {}),
        "responses": {
            "200": response("the predictions", ref("schemas", "MLflowResponse")),
            **error_refs("MLflow", 400, 413, 415, 500, 503, *timeout),
        },
    }


def _request_body(target: Target, body: Input) -> dict[str, Any]:
    content = content_of(readable_formats(body.descriptor.kind), {"type": "object"}, _TEXT)
    if example := _example(target):
        content[JSON]["example"] = example
    return {"required": True, "content": content}


def _example(target: Target) -> dict[str, Any] | None:
    """Return a body of one table and scalars; None if the target takes anything else."""
    tables = tables_of(target)
    others = {
        name: descriptor for name, descriptor in target.arguments.items() if name not in tables
    }
    if len(tables) != 1 or not all(other.fits_query for other in others.values()):
        return None
    (table,) = tables.values()
    params = {name: descriptor.plain_example for name, descriptor in others.items()}
    return {"dataframe_records": table.plain_example} | ({"params": params} if params else {})
