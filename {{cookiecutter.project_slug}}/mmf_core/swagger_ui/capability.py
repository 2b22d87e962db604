"""Swagger UI at `/docs`."""

from collections.abc import Iterable

from flask import Blueprint

from ..capabilities import Capability
from ..web.authorization import OPEN
from ..web.protocols import Service
from .routes import blueprint
from .settings import SwaggerUISettings


def _blueprints(_service: Service) -> Iterable[Blueprint]:
    return [blueprint()] if SwaggerUISettings.from_env().enabled else []


CAPABILITY = Capability(
    settings=SwaggerUISettings,
    blueprints=_blueprints,
    groups={"docs": OPEN},
)
