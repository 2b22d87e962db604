"""The protocol as the application knows it: its path, its errors, and no route of HTTP."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from flask import Blueprint, Flask, Response, request

from ..web import rest
from ..web.openapi.sections import OpenAPISection
from ..web.protocols import ErrorReport, Protocol, Service
from .calls import HEALTH, IS_CALL, MEDIA_TYPE, SERVICE
from .library import GrpcLibrary
from .lifecycle import serve_later
from .settings import GrpcSettings


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return the methods, if there is a port for them; MissingPackage if gRPC is not installed."""
    if not GrpcSettings.from_env().port:
        return
    GrpcLibrary().require("MMF_GRPC_PORT")
    from .views import blueprint  # needs protobuf, which is checked above

    routes = blueprint(service)
    routes.record_once(lambda state: serve_later(cast("Flask", state.app), service))
    yield routes


def error(report: ErrorReport) -> Response:
    """Respond with a google.rpc.Status; as REST does if it is not a call."""
    if IS_CALL not in request.environ:
        return rest.error(report)
    from .statuses import error_status  # a service without gRPC may lack protobuf

    return Response(error_status(report), report.status, content_type=MEDIA_TYPE)


def _openapi(_service: Service) -> OpenAPISection:
    return OpenAPISection("grpc", "", {})


PROTOCOL = Protocol(
    name="grpc", segments=(SERVICE, HEALTH), blueprints=blueprints, error=error, openapi=_openapi
)
