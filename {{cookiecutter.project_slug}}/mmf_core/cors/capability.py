"""CORS: pages of other origins may call the service where MMF_CORS_ORIGINS names them.

Flask-CORS does it (WHATWG Fetch). Never with credentials: a page cannot use what a browser keeps
for its user.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

from flask import Blueprint, Flask, Response

from ..capabilities import Capability
from ..settings import SettingsGroup, setting

_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#@*\s]+")  # RFC 6454, 6.2
_MAX_AGE = 600  # seconds for which a browser remembers a preflight


def _origins(text: str) -> tuple[str, ...]:
    origins = tuple(part.strip().rstrip("/").lower() for part in text.split(",") if part.strip())
    for origin in origins:
        if origin != "*" and not _ORIGIN.fullmatch(origin):
            raise ValueError(f"expected https://host, https://host:port or *, got {origin}")
    return origins


@dataclass(frozen=True)
class CorsSettings(SettingsGroup):
    """Which origins may call the service; none by default, `*` for all."""

    origins: tuple[str, ...] = setting("MMF_CORS_ORIGINS", (), _origins)


def _blueprints(_: object) -> Iterator[Blueprint]:
    """Yield a blueprint without routes that extends the application, if origins are set."""
    if origins := CorsSettings.from_env().origins:
        yield blueprint(origins)


def blueprint(origins: tuple[str, ...]) -> Blueprint:
    """Return a blueprint that lets pages of these origins send requests and read responses."""
    from flask_cors import CORS

    cors = CORS(
        origins=[origin if origin == "*" else _exactly(origin) for origin in origins],
        methods=["GET", "HEAD", "POST"],
        expose_headers=["Content-Disposition", "Retry-After", "X-Request-ID"],
        max_age=_MAX_AGE,
        send_wildcard=True,
        vary_header=False,  # it would be set on some responses only
        intercept_exceptions=False,  # error responses pass through after_request too
    )
    extension = Blueprint("cors", __name__)
    extension.record_once(lambda state: cors.init_app(cast("Flask", state.app)))
    if "*" not in origins:
        extension.after_app_request(_vary_by_origin)
    return extension


def _exactly(origin: str) -> re.Pattern[str]:
    """Return a pattern of this origin only: Flask-CORS reads http://[::1] as a pattern itself."""
    return re.compile(rf"{re.escape(origin)}\Z", re.IGNORECASE)


def _vary_by_origin(response: Response) -> Response:
    """Keep caches from giving the response for one origin to a page of another."""
    response.headers.add("Vary", "Origin")
    return response


CAPABILITY = Capability(
    settings=CorsSettings,
    blueprints=_blueprints,
    trusted_origins=lambda: CorsSettings.from_env().origins,
)
