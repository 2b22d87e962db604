"""`/rollout` in the OpenAPI document."""

from __future__ import annotations

from ..codecs import Format
from ..errors import PROBLEM_MEDIA_TYPE
from ..web.http.requests import MULTIPART
from ..web.openapi.sections import BYTES, JSON, OpenAPISection, error_refs, ref, response
from ..web.protocols import Service
from .compare_route import PART, TARGET

_NUMBER = {"type": "number", "minimum": 0, "maximum": 100}


def section(_service: Service) -> OpenAPISection:
    """Describe the routes."""
    state = response(
        "the state of the rollout",
        {"type": "object", "properties": {"candidate": {"type": ["string", "null"]}}},
    )
    change = {
        "oneOf": [
            {
                "type": "object",
                "properties": {"traffic": _NUMBER, "mirror": _NUMBER},
                "minProperties": 1,
                "additionalProperties": False,
            },
            {
                "type": "object",
                "properties": {"action": {"enum": ["promote", "abort"]}},
                "required": ["action"],
                "additionalProperties": False,
            },
        ]
    }
    form = {"type": "object", "properties": {PART: BYTES}, "required": [PART]}
    workbook = response("the changed rows", BYTES, Format.XLSX.media_type)
    counts = {
        name: {"description": text, "schema": {"type": "integer"}}
        for name, text in {
            "X-Rows": "rows of the table",
            "X-Changed-Rows": "rows that change",
        }.items()
    }
    problem = ref("schemas", "Problem")
    conflict = response("no rollout is in progress", problem, PROBLEM_MEDIA_TYPE)
    forbidden = response("disabled (set MMF_ADMIN_HTTP=1)", problem, PROBLEM_MEDIA_TYPE)
    return OpenAPISection(
        tag="rollout",
        description="Two versions at once.",
        paths={
            "/rollout": {
                "get": {
                    "operationId": "rollout",
                    "summary": "the state of the rollout",
                    "responses": {"200": state, "403": forbidden},
                },
                "put": {
                    "operationId": "change_rollout",
                    "summary": "change the candidate's share, promote it or roll it back",
                    "requestBody": {"required": True, "content": {JSON: {"schema": change}}},
                    "responses": {
                        "202": state,
                        "403": forbidden,
                        "409": conflict,
                        **error_refs("Problem", 400, 413, 422, 503),
                    },
                },
            },
            "/rollout/compare": {
                "post": {
                    "operationId": "compare_versions",
                    "summary": "both versions on a table: a workbook of the rows that change",
                    "parameters": [
                        {
                            "name": TARGET,
                            "in": "query",
                            "description": "the target to call, if several accept a table",
                            "schema": {"type": "string"},
                        }
                    ],
                    "requestBody": {"required": True, "content": {MULTIPART: {"schema": form}}},
                    "responses": {
                        "200": {**workbook, "headers": counts},
                        "403": forbidden,
                        "409": conflict,
                        **error_refs("Problem", 400, 413, 415, 422, 500, 503, 504),
                    },
                }
            },
        },
    )
