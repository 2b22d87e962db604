"""The native routes in OpenAPI: every target, in every media type."""

from __future__ import annotations

from typing import Any

from ...codecs import Format, Kind, json_of
from ...errors import PROBLEM_MEDIA_TYPE
from ...execution import Execution
from ...settings import Settings
from ...target import ERRORS_QUERY, FORMAT_QUERY, SHEET_QUERY, Target
from ..annotated_workbook import CHOICES
from ..http.negotiation import response_formats
from ..protocols import Service
from .request_bodies import body, described
from .sections import (
    OpenAPISection,
    content_of,
    error_refs,
    error_responses,
    ref,
    response,
    without_null,
)

_ANYTHING = "*/*"
_TABLES = 'Tables in JSON may also be {"columns", "data"} or column → list; numbers may be strings.'
_FAULT = {
    "type": "object",
    "properties": {
        "where": {"type": "string", "description": "the argument"},
        "row": {"type": "integer", "minimum": 0, "description": "from 0"},
        "column": {"type": "string"},
        "message": {"type": "string"},
        "value": {"description": "what was sent"},
    },
    "required": ["message"],
}
_MEMBERS = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string", "description": "what is wrong, and what to send instead"},
    "instance": {"type": "string"},
    "request_id": {"type": ["string", "null"], "description": "it is in the log, too"},
    "errors": {"type": "array", "items": ref("schemas", "ErrorDetail")},
}
_PROBLEM = {"type": "object", "properties": _MEMBERS, "required": list(_MEMBERS)}


def section(service: Service) -> OpenAPISection:
    """Describe `POST` and `GET` of every target."""
    schema = ref("schemas", "Problem")
    return OpenAPISection(
        tag="targets",
        description="The functions of this service. " + _TABLES,
        paths={
            f"/{one.target.route}": {
                "post": _call(one, service.settings),
                "get": _description(one.target),
            }
            for one in service.executions.values()
        },
        components={
            "schemas": {"Problem": _PROBLEM, "ErrorDetail": _FAULT},
            "responses": error_responses(service.settings, "Problem", schema, PROBLEM_MEDIA_TYPE),
        },
    )


def _call(execution: Execution, settings: Settings) -> dict[str, Any]:
    target = execution.target
    timeout = target.call_options.timeout or settings.timeout
    limits = {"body_bytes": settings.max_body, "timeout_seconds": timeout or None}
    statuses = [400, 413, 415, 422, 500, 503, *([406] if target.returns else [])]
    responses = error_refs("Problem", *sorted([*statuses, *([504] if timeout else [])]))
    if _takes_table(target):
        marked = {
            Format.XLSX.media_type: {"schema": {}},
            PROBLEM_MEDIA_TYPE: {"schema": _problem()},
        }
        why = "a value is not what is declared; with ?errors=xlsx the workbook, marked"
        responses["422"] = {"description": why, "content": marked}
    asked = {"requestBody": body(target)} if target.arguments else {}
    return {
        "operationId": target.route,
        "summary": target.name,
        "description": target.description,
        "parameters": _parameters(target),
        **asked,
        "responses": {**_answer(target), **responses},
        "x-limits": limits,
    }


def _description(target: Target) -> dict[str, Any]:
    return {
        "operationId": f"describe_{target.route}",
        "summary": f"{target.name}: arguments, formats, limits, an example",
        "responses": {
            "200": response("the description", {"type": "object"}),
            **error_refs("Problem", 500),
        },
    }


def _parameters(target: Target) -> list[dict[str, Any]]:
    """Describe the query: scalars, and what is said about formats."""
    scalars = {
        name: without_null(described(one))
        for name, one in target.arguments.items()
        if one.kind is Kind.SCALAR
    }
    for schema in scalars.values():  # generated clients would send it here and in the body
        schema.pop("default", None)
    parameters = [_query(name, one, "instead of in the body") for name, one in scalars.items()]
    if target.returns:
        names = [one.extension for one in response_formats(target.returns)]
        about = "the answer's format; it wins over Accept"
        parameters.append(_query(FORMAT_QUERY, {"type": "string", "enum": names}, about))
    if _takes_table(target):
        about = "a workbook's sheet, by name, or by place from 0"
        parameters.append(_query(SHEET_QUERY, {"type": "string"}, about))
        about = "how the faults of a workbook are told"
        choices = {"type": "string", "enum": list(CHOICES), "default": CHOICES[0]}
        parameters.append(_query(ERRORS_QUERY, choices, about))
    return parameters


def _query(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "required": False, "description": about, "schema": schema}


def _answer(target: Target) -> dict[str, Any]:
    if target.returns is None:
        return {"204": {"description": "done"}}
    returns = target.returns
    schema = returns.output_schema()
    if json_of(returns.kind).wraps:
        schema = {"type": "object", "properties": {"result": schema}, "required": ["result"]}
    forms = list(response_formats(returns))
    if returns.kind not in {Kind.FILE, Kind.IMAGE}:  # a generated client reads the first it knows
        forms.sort(key=lambda form: form is not Format.JSON)
    content = content_of(forms, schema, {"type": "string"})
    if returns.kind is Kind.FILE:  # a file has the media type that its author gives it
        content[_ANYTHING] = {"schema": {}}
    return {"200": {"description": returns.description or "the result", "content": content}}


def _problem() -> dict[str, str]:
    return ref("schemas", "Problem")


def _takes_table(target: Target) -> bool:
    return any(one.kind is Kind.TABLE for one in target.arguments.values())
