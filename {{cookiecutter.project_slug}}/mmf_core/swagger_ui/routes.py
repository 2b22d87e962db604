"""`/docs`: Swagger UI on `/openapi.json`, by files of the package flask-swagger-ui.

Nothing comes from another host, and no script stands in the page: its Content-Security-Policy
forbids both. Addresses are relative, so that it works behind a proxy's prefix.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, send_from_directory

from ..errors import MissingPackage

_PACKAGE = "flask_swagger_ui"
_FILES = ("swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png")
_DAY = 24 * 60 * 60
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>API</title>
<link rel="icon" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="ui"></div>
<noscript>This page needs JavaScript. <a href="openapi.json">openapi.json</a> does not.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# The validator would be a request to another host.
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  validatorUrl: null
});
"""
# data: is for the pictures in Swagger UI's style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def blueprint() -> Blueprint:
    """Give the page and its files."""
    routes = Blueprint("docs", __name__)

    @routes.get("/docs")
    def page() -> Response:
        _folder()
        answer = Response(_PAGE, content_type="text/html; charset=utf-8")
        answer.headers["Content-Security-Policy"] = _POLICY
        return answer

    @routes.get("/docs/start.js")
    def start() -> Response:
        return Response(_START, content_type="text/javascript; charset=utf-8")

    @routes.get(f"/docs/<any({', '.join(map(repr, _FILES))}):name>")
    def file(name: str) -> Response:
        return send_from_directory(_folder(), name, max_age=_DAY)

    return routes


def _folder() -> Path:
    """Return where the package keeps Swagger UI's files; nothing of it is imported."""
    found = find_spec(_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise MissingPackage("/docs", ["flask-swagger-ui"])
    return Path(found.submodule_search_locations[0], "dist")
