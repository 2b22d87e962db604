"""Pages of other origins may call the service where MMF_CORS_ORIGINS names them (WHATWG Fetch).

Never with credentials: a page cannot use what a browser keeps for its user.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_METHODS = "GET, HEAD, POST"
_SHOWN = "Content-Disposition, Retry-After, X-Request-ID"  # beside what every page may read
_TOKENS = re.compile(r"[\w!#$%&'*+.^`|~, -]{1,1000}", re.ASCII)
_SECONDS = "600"  # that a browser remembers what is allowed


class Cors:
    """WSGI middleware: answers preflights, and lets pages of these origins read answers."""

    def __init__(self, app: WSGIApplication, origins: Collection[str]) -> None:
        self._app = app
        self._origins = frozenset(origins)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        headers = self._headers(environ.get("HTTP_ORIGIN", ""))
        allowed = "Access-Control-Allow-Origin" in dict(headers)
        method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
        if allowed and method and environ["REQUEST_METHOD"] == "OPTIONS":
            asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            headers += [
                ("Access-Control-Allow-Methods", _METHODS),
                ("Access-Control-Max-Age", _SECONDS),
            ]
            if _TOKENS.fullmatch(asked):
                headers.append(("Access-Control-Allow-Headers", asked))
            start_response("204 No Content", headers)
            return []

        def start(status: str, others: list[tuple[str, str]], *rest: Any) -> Any:
            return start_response(status, others + headers, *rest)

        return self._app(environ, start)

    def _headers(self, origin: str) -> list[tuple[str, str]]:
        shown = ("Access-Control-Expose-Headers", _SHOWN)
        if "*" in self._origins:
            return [("Access-Control-Allow-Origin", "*"), shown]
        vary = ("Vary", "Origin")  # so that no cache gives one origin's answer to another
        if origin.lower() in self._origins:
            return [("Access-Control-Allow-Origin", origin), shown, vary]
        return [vary]
