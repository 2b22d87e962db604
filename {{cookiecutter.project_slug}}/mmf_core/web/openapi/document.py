"""`/openapi.json`: the whole service in OpenAPI 3.1, a section for each protocol."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import Blueprint, Response

from ... import __version__
from ...capabilities import parts
from ...codecs import json
from .. import health
from ..http.content_encoding import compress
from ..project_metadata import About, about
from ..protocols import Protocol, Service
from .sections import JSON, OpenAPISection

_REQUEST_ID = {
    "description": "the request's id if it has one, else a new one; it is in every line of the log",
    "schema": {"type": "string"},
}


def blueprint(service: Service, protocols: Iterable[Protocol]) -> Blueprint:
    """Return the route; the document is made when it is first asked for, and kept."""
    routes = Blueprint("openapi", __name__)
    routes.after_request(compress)
    metadata = about()

    @cache
    def encoded_document() -> bytes:
        describe = [*(protocol.openapi for protocol in protocols), *parts("openapi")]
        sections = [*(make_section(service) for make_section in describe), health.section()]
        return json.dumps(document(sections, metadata))

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(encoded_document(), content_type=JSON)

    return routes


def document(sections: Iterable[OpenAPISection], metadata: About) -> dict[str, Any]:
    """Return one document; every operation has its section's tag, every response the request's id.

    Components of the same kind in several sections are merged.
    """
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {"headers": {"RequestId": _REQUEST_ID}}
    tags = []
    for section in sections:
        tags.append({"name": section.tag, "description": section.description})
        for path, operations in section.paths.items():
            paths[path] = {
                method: {"tags": [section.tag], **operation, "responses": _with_id(operation)}
                for method, operation in operations.items()
            }
        for kind, schemas in section.components.items():
            components.setdefault(kind, {}).update(schemas)
    components["responses"] = _with_id(components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": metadata.name or "Model service",
            "version": metadata.version or __version__,
            **({"description": metadata.description} if metadata.description else {}),
        },
        "tags": tags,
        "paths": paths,
        "components": components,
    }


def _with_id(described: Any) -> dict[str, Any]:
    """Return its responses with the header that all answers have."""
    header = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    return {
        key: one if "$ref" in one else {**one, "headers": {**one.get("headers", {}), **header}}
        for key, one in described["responses"].items()
    }
