"""`/rollout` in the OpenAPI document."""

from __future__ import annotations

from ..errors import PROBLEM_MEDIA_TYPE
from ..web.openapi.sections import JSON, OpenAPISection, error_refs, ref, response
from ..web.protocols import Service

_NUMBER = {"type": "number", "minimum": 0, "maximum": 100}


def section(_service: Service) -> OpenAPISection:
    """Describe both routes."""
    state = response(
        "where it stands",
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
    problem = ref("schemas", "Problem")
    conflict = response("no rollout is under way", problem, PROBLEM_MEDIA_TYPE)
    forbidden = response("not by requests (MMF_ADMIN_HTTP)", problem, PROBLEM_MEDIA_TYPE)
    return OpenAPISection(
        tag="rollout",
        description="Two versions at once.",
        paths={
            "/rollout": {
                "get": {
                    "operationId": "rollout",
                    "summary": "where the rollout stands",
                    "responses": {"200": state, "403": forbidden},
                },
                "put": {
                    "operationId": "change_rollout",
                    "summary": "change the candidate's share, promote it or take it back",
                    "requestBody": {"required": True, "content": {JSON: {"schema": change}}},
                    "responses": {
                        "202": state,
                        "403": forbidden,
                        "409": conflict,
                        **error_refs("Problem", 400, 413, 422, 503),
                    },
                },
            }
        },
    )
