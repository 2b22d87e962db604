"""`/docs`: Swagger UI for `/openapi.json`, with the files of the package flask-swagger-ui.

Nothing comes from another host, and no script is inline: the Content-Security-Policy forbids both.
Links are relative, so that the page works behind a proxy's prefix.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from flask import Blueprint, Response, request, send_from_directory

from ..errors import MissingPackage
from ..web.authorization import needs_token
from ..web.blueprints import is_registered

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
<link rel="stylesheet" href="docs/start.css">
<script src="docs/colours.js"></script>
</head>
<body>
{back}{form}<div id="ui"></div>
<noscript>This page needs JavaScript; <a href="openapi.json">openapi.json</a> does not.</noscript>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
_BACK = '<nav><a href="./">← Back to the forms</a></nav>\n'
# Nothing of it is ever sent as a form: its field has no name.
_FORM = """<form method="post">
<label for="token">This service needs a token</label>
<input type="password" id="token" required autocomplete="off" spellcheck="false">
<button type="submit">Continue</button>
<p role="status"></p>
</form>
"""
_STYLE = """body { margin: 0; }
form { padding: 1rem 1.25rem 0; font: 1rem system-ui, sans-serif; }
nav { padding: 1rem 1.25rem 0; font: 1rem system-ui, sans-serif; }
nav a { color: #0f6b62; }
.dark-mode nav a { color: #67c5b7; }
"""
# Before anything is drawn. Swagger UI has the colours, under this name.
_COLOURS = """const dark = matchMedia("(prefers-color-scheme: dark)");
const follow = () => document.documentElement.classList.toggle("dark-mode", dark.matches);
dark.addEventListener("change", follow);
follow();
"""
# The validator would send a request to another host.
_START = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#ui",
  deepLinking: true,
  validatorUrl: null
});
"""
# The token is kept in memory only: Swagger UI's own button shows that it is there.
_ASK_FIRST = """const form = document.querySelector("form");
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const token = form.querySelector("input").value.trim();
  const headers = { Authorization: `Bearer ${token}` };
  const response = await fetch("openapi.json", { headers }).catch(() => null);
  const problem = response?.ok ? null : await response?.json().catch(() => null);
  if (!response?.ok) {
    form.querySelector("[role=status]").textContent = problem?.detail ?? "no response";
    return;
  }
  const [scheme] = Object.keys((await response.json()).components.securitySchemes);
  form.remove();
  const ui = SwaggerUIBundle({
    url: "openapi.json",
    dom_id: "#ui",
    deepLinking: true,
    validatorUrl: null,
    requestInterceptor: (request) => {
      if (request.loadSpec) Object.assign(request.headers, headers);
      return request;
    },
    onComplete: () => ui.preauthorizeApiKey(scheme, token)
  });
});
"""
# data: is for the images in Swagger UI's style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def blueprint() -> Blueprint:
    """Return the page and its files."""
    routes = Blueprint("docs", __name__)

    @routes.get("/docs")
    def page() -> Response:
        _folder()  # MissingPackage here, not in the browser's console
        back = _BACK if is_registered("page") else ""
        text = _PAGE.format(back=back, form=_FORM if needs_token() else "")
        response = Response(text, content_type="text/html; charset=utf-8")
        response.headers["Content-Security-Policy"] = _POLICY
        return response

    @routes.get("/docs/start.js")
    def start() -> Response:
        script = _ASK_FIRST if needs_token() else _START
        return Response(script, content_type="text/javascript; charset=utf-8")

    @routes.get("/docs/colours.js")
    def colours() -> Response:
        return Response(_COLOURS, content_type="text/javascript; charset=utf-8")

    @routes.get("/docs/start.css")
    def style() -> Response:
        return Response(_STYLE, content_type="text/css; charset=utf-8")

    @routes.get(f"/docs/<any({', '.join(map(repr, _FILES))}):name>")
    def file(name: str) -> Response:
        for header in ("HTTP_IF_MODIFIED_SINCE", "HTTP_RANGE"):  # its ETag says what has changed
            request.environ.pop(header, None)  # Werkzeug fails at some years
        return send_from_directory(_folder(), name, max_age=_DAY)

    return routes


def _folder() -> Path:
    """Return the folder of Swagger UI's files, without importing the package."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingPackage("/docs", ["flask-swagger-ui"])
    return Path(spec.submodule_search_locations[0], "dist")
