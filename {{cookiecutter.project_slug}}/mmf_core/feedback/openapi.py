"""`/feedback` in the OpenAPI document."""

from __future__ import annotations

from ..errors import PROBLEM_MEDIA_TYPE
from ..web.openapi.sections import JSON, OpenAPISection, error_refs, ref, response
from ..web.protocols import Service
from .body import MAX_ID_LENGTH, MAX_ROWS
from .predictions import MAX_CLASS_LENGTH

_ID = {
    "type": "string",
    "minLength": 1,
    "maxLength": MAX_ID_LENGTH,
    "description": "the X-Request-ID of a response, the id of a task, or that of a V2 request",
}
_ROW = {
    "type": "object",
    "properties": {
        "row": {"type": "integer", "minimum": 0, "description": "of the response, from 0"},
        "reward": {"type": "number", "minimum": 0, "maximum": 1},
        "truth": {
            "description": "what the prediction should have been",
            "anyOf": [
                {"type": "number"},
                {"type": "boolean"},
                {"type": "string", "maxLength": MAX_CLASS_LENGTH},
            ],
        },
    },
    "required": ["row"],
    "anyOf": [{"required": ["reward"]}, {"required": ["truth"]}],
    "additionalProperties": False,
}


def section(_service: Service) -> OpenAPISection:
    """Describe the route."""
    body = {
        "type": "object",
        "properties": {
            "request_id": _ID,
            "rows": {"type": "array", "items": _ROW, "minItems": 1, "maxItems": MAX_ROWS},
        },
        "required": ["request_id", "rows"],
        "additionalProperties": False,
    }
    stored = {
        "type": "object",
        "properties": {"request_id": {"type": "string"}, "rows": {"type": "integer"}},
        "required": ["request_id", "rows"],
    }
    problem = ref("schemas", "Problem")
    forbidden = response("disabled (set MMF_FEEDBACK=1)", problem, PROBLEM_MEDIA_TYPE)
    return OpenAPISection(
        tag="feedback",
        description="How good the predictions were.",
        paths={
            "/feedback": {
                "post": {
                    "operationId": "feedback",
                    "summary": "submit rewards or the truth for rows of a response",
                    "description": "At any time; the last one for a row counts.",
                    "requestBody": {"required": True, "content": {JSON: {"schema": body}}},
                    "responses": {
                        "202": response("it is stored", stored),
                        "403": forbidden,
                        **error_refs("Problem", 400, 404, 413, 415, 422, 503),
                    },
                }
            }
        },
    )
