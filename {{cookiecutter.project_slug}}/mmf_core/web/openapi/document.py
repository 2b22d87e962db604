"""`/openapi.json`: the whole service in OpenAPI 3.1, a chapter for each protocol."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from typing import Any

from flask import Blueprint, Response

from ... import __version__
from ...codecs import json
from .. import health
from ..project_metadata import About, about
from ..protocols import OpenAPISection, Protocol, Service
from .sections import JSON

_REQUEST_ID = {
    "description": "the request's id if it has one, else a new one; it is in every line of the log",
    "schema": {"type": "string"},
}


def blueprint(service: Service, protocols: Iterable[Protocol]) -> Blueprint:
    """Give the route; the document is made when it is first asked for, and kept."""
    routes = Blueprint("openapi", __name__)
    told = about()

    @cache
    def written() -> bytes:
        chapters = [one.chapter(service) for one in protocols]
        return json.dumps(document([*chapters, health.chapter()], told))

    @routes.get("/openapi.json")
    def openapi() -> Response:
        return Response(written(), content_type=JSON)

    return routes


def document(chapters: Iterable[OpenAPISection], told: About) -> dict[str, Any]:
    """Return one document; every operation has its chapter's tag, every response the request's id.

    Sections of components with the same name in several chapters are joined.
    """
    paths: dict[str, Any] = {}
    components: dict[str, Any] = {"headers": {"RequestId": _REQUEST_ID}}
    tags = []
    for chapter in chapters:
        tags.append({"name": chapter.tag, "description": chapter.about})
        for path, operations in chapter.paths.items():
            paths[path] = {
                method: {"tags": [chapter.tag], **operation, "responses": _with_id(operation)}
                for method, operation in operations.items()
            }
        for section, parts in chapter.components.items():
            components.setdefault(section, {}).update(parts)
    components["responses"] = _with_id(components)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": told.name or "Model service",
            "version": told.version or __version__,
            **({"description": told.description} if told.description else {}),
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
