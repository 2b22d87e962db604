"""The REST routes in OpenAPI: every target, in every media type."""

from __future__ import annotations

from typing import Any

from ...capabilities import parts
from ...codecs import Format, Kind, json_of
from ...descriptors import Stream
from ...errors import PROBLEM_MEDIA_TYPE
from ...execution import Execution
from ...settings import Settings
from ...target import ERRORS_QUERY, FORMAT_QUERY, HEADER_QUERY, SHEET_QUERY, Target
from ..annotated_workbook import CHOICES
from ..cells_read import HEADER, is_lenient
from ..http.negotiation import response_formats
from ..http.request_parts import MAX_HEADER_ROW
from ..protocols import Service
from .request_bodies import body, field_schema
from .sections import (
    ANYTHING,
    OpenAPISection,
    content_of,
    error_refs,
    error_responses,
    ref,
    response,
)

_TABLES = 'Tables in JSON may also be {"columns", "data"} or column → list; numbers may be strings.'
_CELLS_READ = {
    "description": "a JSON list of the columns whose texts were read as people write them",
    "schema": {"type": "string"},
}
_ERROR_DETAIL = {
    "type": "object",
    "properties": {
        "where": {"type": "string", "description": "the argument"},
        "row": {"type": "integer", "minimum": 0, "description": "counted from 0"},
        "column": {"type": "string"},
        "message": {"type": "string"},
        "value": {"description": "the value received"},
    },
    "required": ["message"],
}
_PROBLEM_MEMBERS = {
    "type": {"type": "string", "format": "uri-reference"},
    "title": {"type": "string"},
    "status": {"type": "integer"},
    "detail": {"type": "string", "description": "the error, and what to send instead"},
    "instance": {"type": "string"},
    "request_id": {
        "type": ["string", "null"],
        "description": "also in every log line of the request",
    },
    "errors": {"type": "array", "items": ref("schemas", "ErrorDetail")},
}
_PROBLEM = {"type": "object", "properties": _PROBLEM_MEMBERS, "required": list(_PROBLEM_MEMBERS)}


def section(service: Service) -> OpenAPISection:
    """Describe `POST` and `GET` of every target."""
    schema = ref("schemas", "Problem")
    return OpenAPISection(
        tag="targets",
        description="The functions of this service. " + _TABLES,
        paths={
            f"/{execution.target.route}": {
                "post": _call(execution, service.settings),
                "get": _description(execution.target),
            }
            for execution in service.executions.values()
        },
        components={
            "schemas": {"Problem": _PROBLEM, "ErrorDetail": _ERROR_DETAIL},
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
        responses["422"] = _invalid_table()
    success = _success(target)
    if is_lenient(target):
        next(iter(success.values()))["headers"] = {HEADER: _CELLS_READ}
    request_body = {"requestBody": body(target)} if target.arguments else {}
    operation: dict[str, Any] = {
        "operationId": target.route,
        "summary": target.name,
        "description": target.description,
        "parameters": _parameters(target),
        **request_body,
        "responses": {**success, **responses},
        "x-limits": limits,
    }
    for change in parts("operation"):
        change(target, operation)
    return operation


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
    """Describe the query: scalar arguments, the format, the sheet, the form of errors."""
    scalars = {
        name: field_schema(descriptor)
        for name, descriptor in target.arguments.items()
        if descriptor.fits_query
    }
    for schema in scalars.values():  # generated clients would send it here and in the body
        schema.pop("default", None)
    parameters = [
        _query(name, schema, "in place of the argument in the body; an argument in both is a 422")
        for name, schema in scalars.items()
    ]
    if target.returns:
        names = [format.extension for format in response_formats(target.returns)]
        description = "the format of the response; takes precedence over Accept"
        parameters.append(_query(FORMAT_QUERY, {"type": "string", "enum": names}, description))
    if _takes_table(target):
        description = "the sheet of a workbook: its name, or its position counted from 0"
        parameters.append(_query(SHEET_QUERY, {"type": "string"}, description))
        description = "the row of a workbook's column names, below a title; counted from 1"
        schema = {"type": "integer", "minimum": 1, "maximum": MAX_HEADER_ROW, "default": 1}
        parameters.append(_query(HEADER_QUERY, schema, description))
        description = "how errors in a table are reported: a list, or a workbook with marked cells"
        choices = {"type": "string", "enum": list(CHOICES), "default": CHOICES[0]}
        parameters.append(_query(ERRORS_QUERY, choices, description))
    return parameters


def _query(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }


def _success(target: Target) -> dict[str, Any]:
    if target.returns is None:
        return {"204": {"description": "done"}}
    returns = target.returns
    schema = returns.output_schema()
    if target.kept:
        schema["items"] = {**schema["items"], "additionalProperties": True}
    if isinstance(returns, Stream):
        return {"200": _stream(returns)}
    if json_of(returns.kind).wraps:
        schema = {"type": "object", "properties": {"result": schema}, "required": ["result"]}
    formats = list(response_formats(returns))
    if returns.kind not in {Kind.FILE, Kind.IMAGE}:
        # A generated client uses the first format that it supports.
        formats.sort(key=lambda format: format is not Format.JSON)
    content = content_of(formats, schema, {"type": "string"})
    if returns.kind is Kind.FILE:  # the target's author chooses the media type of a file
        content[ANYTHING] = {"schema": {}}
    return {"200": {"description": returns.description or "the result", "content": content}}


def _stream(returns: Stream) -> dict[str, Any]:
    content = {
        format.media_type: {"schema": {"type": "string"}} for format in response_formats(returns)
    }
    description = returns.description or "the pieces of the result, as they come"
    return {"description": description, "content": content, "x-item": returns.item.output_schema()}


def _invalid_table() -> dict[str, Any]:
    content = {
        Format.XLSX.media_type: {"schema": {}},
        PROBLEM_MEDIA_TYPE: {"schema": ref("schemas", "Problem")},
    }
    reason = "a value does not match its declaration; with ?errors=xlsx, a marked workbook"
    return {"description": reason, "content": content}


def _takes_table(target: Target) -> bool:
    return any(descriptor.kind is Kind.TABLE for descriptor in target.arguments.values())
