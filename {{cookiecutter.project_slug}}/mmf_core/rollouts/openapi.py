"""`/rollout` in the OpenAPI document."""

from __future__ import annotations

from ..errors import PROBLEM_MEDIA_TYPE
from ..web.openapi.sections import JSON, OpenAPISection, error_refs, ref, response
from ..web.protocols import Service
from .settings import RolloutSettings

_NUMBER = {"type": "number", "minimum": 0, "maximum": 100}


def section(_service: Service) -> OpenAPISection:
    """Describe both routes; without MMF_ADMIN_HTTP they are not there for anybody."""
    if not RolloutSettings.from_env().http:
        return OpenAPISection("rollout", "Two versions at once.", {})
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
    conflict = response("there is no rollout", ref("schemas", "Problem"), PROBLEM_MEDIA_TYPE)
    return OpenAPISection(
        tag="rollout",
        description="Two versions at once.",
        paths={
            "/rollout": {
                "get": {
                    "operationId": "rollout",
                    "summary": "where the rollout stands",
                    "responses": {"200": state},
                },
                "put": {
                    "operationId": "change_rollout",
                    "summary": "change the candidate's share, promote it or take it back",
                    "requestBody": {"required": True, "content": {JSON: {"schema": change}}},
                    "responses": {
                        "202": state,
                        "409": conflict,
                        **error_refs("Problem", 400, 413, 422, 503),
                    },
                },
            }
        },
    )
