"""Cross-origin requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..capabilities import Capability
from .middleware import Cors
from .settings import CorsSettings

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication


def _middleware(app: WSGIApplication) -> WSGIApplication:
    origins = CorsSettings.from_env().origins
    return Cors(app, origins) if origins else app


CAPABILITY = Capability(
    summary="pages of other origins may call the service (CORS)",
    settings=CorsSettings,
    middleware=_middleware,
)
