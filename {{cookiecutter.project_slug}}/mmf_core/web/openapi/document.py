"""`/openapi.json`: the whole service in OpenAPI 3.1, a section for each protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from flask import Blueprint, Response

from ... import __version__
from ...capabilities import parts
from ...codecs import json
from .. import health
from ..authorization import visible
from ..http.content_encoding import compress
from ..project_metadata import ProjectMetadata, read_metadata
from ..protocols import Protocol, Service
from .sections import JSON, OpenAPISection

_REQUEST_ID = {
    "description": "the request's own, or a new one; it is in every log line of the request",
    "schema": {"type": "string"},
}


def blueprint(service: Service, protocols: Iterable[Protocol]) -> Blueprint:
    """Return the route; the document is built at the first request, and kept.

    A caller that may not reach every target gets one of its own.
    """
    routes = Blueprint("openapi", __name__)
    routes.after_request(compress)
    metadata = read_metadata()

    def encode(service: Service) -> bytes:
        describe = [*(protocol.openapi for protocol in protocols), *parts("openapi")]
        sections = [*(make_section(service) for make_section in describe), health.section()]
        described = document(sections, metadata)
        for change in parts("document"):
            change(described)
        return json.dumps(described)

    @cache
    def encoded_document() -> bytes:
        return encode(service)

    @routes.get("/openapi.json")
    def openapi() -> Response:
        seen = visible(service)
        content = encoded_document() if seen is service else encode(seen)
        return Response(content, content_type=JSON)

    return routes


def document(sections: Iterable[OpenAPISection], metadata: ProjectMetadata) -> dict[str, Any]:
    """Return the document; every operation has its section's tag, every response the request's id.

    Components of the same kind in several sections are merged.
    """
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {"headers": {"RequestId": _REQUEST_ID}}
    tags = []
    for section in sections:
        if not section.paths:  # that of a protocol which is not HTTP
            continue
        tags.append({"name": section.tag, "description": section.description})
        for path, operations in section.paths.items():
            paths[path] = {
                method: {
                    "tags": [section.tag],
                    **operation,
                    "responses": _with_id(operation["responses"]),
                }
                for method, operation in operations.items()
            }
        for kind, schemas in section.components.items():
            components.setdefault(kind, {}).update(schemas)
    components["responses"] = _with_id(components["responses"])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": metadata.title or "Model service",
            "version": metadata.version or __version__,
            **({"description": metadata.description} if metadata.description else {}),
        },
        "tags": tags,
        "paths": paths,
        "components": components,
    }


def _with_id(responses: Mapping[str, Any]) -> dict[str, Any]:
    """Return the responses with the header X-Request-ID; references stay as they are."""
    header = {"X-Request-ID": {"$ref": "#/components/headers/RequestId"}}
    return {
        key: response
        if "$ref" in response
        else {**response, "headers": {**response.get("headers", {}), **header}}
        for key, response in responses.items()
    }
