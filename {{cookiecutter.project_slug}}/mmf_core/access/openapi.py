"""Tokens in the OpenAPI document: the security scheme, and what a refusal is."""

from __future__ import annotations

import re
from typing import Any

from flask import current_app

from ..web.authorization import OPEN, authorization, needs_token
from ..web.openapi.sections import ref

SCHEME = "token"
_CHALLENGE = {
    "WWW-Authenticate": {
        "description": "Bearer, with the error (RFC 6750)",
        "schema": {"type": "string"},
    }
}
_RETRY = {"Retry-After": {"description": "seconds until then", "schema": {"type": "integer"}}}
_REFUSALS = {
    401: ("the token is missing, or not valid", _CHALLENGE),
    403: ("not allowed, by the token or by a setting", _CHALLENGE),
    429: ("the caller is over its rate: try again later", _RETRY),
}
_ERROR = re.compile(r"#/components/responses/([A-Za-z]\w*?)\d{3}")


def describe(document: dict[str, Any]) -> None:
    """Add to a document what a caller needs, in an application that refuses callers."""
    if authorization().authorizer is None:
        return
    if needs_token():
        document["components"]["securitySchemes"] = {
            SCHEME: {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "a token of this service, or an API key",
            }
        }
        document["security"] = [{SCHEME: []}]
    open_paths, names = _open_paths(), _error_names(document)
    for path, operations in document["paths"].items():
        for operation in operations.values():
            if path in open_paths:
                operation["security"] = []
            else:
                _add_refusals(document, operation, names.get(operation["tags"][0], "Problem"))


def _open_paths() -> set[str]:
    installed = authorization()
    rules = current_app.url_map.iter_rules()
    return {rule.rule for rule in rules if installed.group_of(rule.endpoint) == OPEN}


def _error_names(document: dict[str, Any]) -> dict[str, str]:
    """Return the names of the errors of each section of a document, such as `V2Error`."""
    return {
        operation["tags"][0]: name
        for operations in document["paths"].values()
        for operation in operations.values()
        for name in map(_error_name, operation["responses"].values())
        if name
    }


def _add_refusals(document: dict[str, Any], operation: dict[str, Any], name: str) -> None:
    """Add the statuses of refusals to an operation, in the shape of its section's errors."""
    responses, components = operation["responses"], document["components"]["responses"]
    model = components[next(key for key in components if re.fullmatch(rf"{name}\d{{3}}", key))]
    for status, (reason, headers) in _REFUSALS.items():
        if status in {401, 403} and not needs_token():
            continue
        key = f"{name}{status}"
        content = {"content": model["content"], "headers": {**_own(model), **headers}}
        components.setdefault(key, {"description": reason, **content})
        responses.setdefault(str(status), ref("responses", key))


def _own(response: dict[str, Any]) -> dict[str, Any]:
    """Return the header that every response has."""
    return {name: header for name, header in response["headers"].items() if name == "X-Request-ID"}


def _error_name(response: dict[str, Any]) -> str:
    """Return the protocol's name in a reference to one of its errors; empty for anything else."""
    match = _ERROR.fullmatch(response.get("$ref", ""))
    return match[1] if match else ""
