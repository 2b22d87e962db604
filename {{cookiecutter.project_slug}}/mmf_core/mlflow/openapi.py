"""The routes under /invocations in OpenAPI, with an example where a target takes one table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..codecs import Format, Kind
from ..execution import Execution
from ..target import Target
from ..web.openapi.sections import JSON, OpenAPISection, error_refs, error_responses, ref, response
from ..web.protocols import Service

ROUTE = "invocations"
_TEXT = {"type": "string"}
_MEMBERS = ("error_code", "message", "sqlstate", "error_class")
_SCHEMAS = {
    "MLflowError": {
        "type": "object",
        "properties": dict.fromkeys(_MEMBERS, _TEXT),
        "required": list(_MEMBERS),
    },
    "MLflowAnswer": {
        "type": "object",
        "properties": {"predictions": {"description": "a list; what else the target returns"}},
    },
}


def served(executions: Mapping[str, Execution]) -> Execution | None:
    """Return the default target, else the only one that takes a table, else the only one."""
    every = list(executions.values())
    for chosen in (
        [one for one in every if one.target.default],
        [one for one in every if _tables(one.target)],
        every,
    ):
        if len(chosen) == 1:
            return chosen[0]
    return None


def section(service: Service) -> OpenAPISection:
    """Describe the default target's route, and one for each target."""
    paths = {
        f"/{ROUTE}/{route}": {"post": _described(one.target, service, f"mlflow_{route}")}
        for route, one in service.executions.items()
    }
    if default := served(service.executions):
        paths[f"/{ROUTE}"] = {"post": _described(default.target, service, "mlflow")}
    error = ref("schemas", "MLflowError")
    responses = error_responses(service.settings, "MLflow", error, JSON)
    responses["MLflow415"]["content"] = {"text/plain": {"schema": _TEXT}}
    return OpenAPISection(
        tag="mlflow",
        description="MLflow's scoring protocol, for clients of `mlflow models serve`.",
        paths=paths,
        components={"schemas": _SCHEMAS, "responses": responses},
    )


def _tables(target: Target) -> list[Any]:
    return [one for one in target.arguments.values() if one.kind is Kind.TABLE]


def _described(target: Target, service: Service, operation: str) -> dict[str, Any]:
    asked: dict[str, Any] = {"schema": {"type": "object"}}
    if example := _example(target):
        asked["example"] = example
    late = [504] if target.call_options.timeout or service.settings.timeout else []
    return {
        "operationId": operation,
        "summary": target.name,
        "requestBody": {
            "required": True,
            "content": {JSON: asked, Format.CSV.media_type: {"schema": _TEXT}},
        },
        "responses": {
            "200": response("the predictions", ref("schemas", "MLflowAnswer")),
            **error_refs("MLflow", 400, 413, 415, 500, 503, *late),
        },
    }


def _example(target: Target) -> dict[str, Any] | None:
    """Return a body: one table and scalars; None where the target takes something else."""
    tables = _tables(target)
    others = {name: one for name, one in target.arguments.items() if one not in tables}
    if len(tables) != 1 or any(one.kind is not Kind.SCALAR for one in others.values()):
        return None
    params = {name: one.example() for name, one in others.items()}
    return {"dataframe_records": tables[0].example()} | ({"params": params} if params else {})
