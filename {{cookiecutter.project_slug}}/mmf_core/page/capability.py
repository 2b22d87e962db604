"""The page for people at `/`."""

from collections.abc import Iterable

from flask import Blueprint

from ..capabilities import Capability
from ..web.authorization import DOCS, OPEN
from ..web.protocols import Service
from .routes import blueprint
from .settings import PageSettings


def _blueprints(service: Service) -> Iterable[Blueprint]:
    return [blueprint(service)] if PageSettings.from_env().enabled else []


CAPABILITY = Capability(
    settings=PageSettings,
    blueprints=_blueprints,
    groups={"page": DOCS, "page.page": OPEN, "page.file": OPEN},
)
