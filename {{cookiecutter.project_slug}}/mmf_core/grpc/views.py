"""What the application does for each method: the same as for the requests of `v2/`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from .. import __version__
from ..codecs import MemoryBudget, Options
from ..errors import ClientGone, UnknownTarget
from ..v2 import models
from ..web.authorization import check_target, visible
from ..web.http.bodies import read_whole
from ..web.http.codec_options import limits_of
from ..web.protocols import Service
from ..web.request_context import current_context, enter_target
from .calls import HEALTH, IS_CALL, MEDIA_TYPE, SERVICE
from .contents import infer_response, read_inference
from .health import SERVICE_UNKNOWN, Health
from .message_size import check_message_size
from .messages import message_class, parse

_EXTENSIONS = ["model_repository"]


def blueprint(service: Service) -> Blueprint:
    """Return the methods as routes, which serve nothing but calls of gRPC."""
    routes = Blueprint("grpc", __name__)
    routes.before_request(_refuse_http)
    _server_methods(routes, service)
    _model_methods(routes, service)

    limits = limits_of(service.settings)

    @routes.post(f"/{SERVICE}/ModelInfer")
    def infer() -> Response:
        return _respond(_infer(service, limits))

    @routes.post(f"/{SERVICE}/ModelStreamInfer")
    def stream_infer() -> Response:
        stream_response = message_class("inference.ModelStreamInferResponse")
        return _respond(stream_response(infer_response=_infer(service, limits)))

    return routes


def _refuse_http() -> None:
    if IS_CALL not in request.environ:
        raise NotFound


def _server_methods(routes: Blueprint, service: Service) -> None:
    @routes.post(f"/{SERVICE}/ServerLive")
    def live() -> Response:
        return _respond(message_class("inference.ServerLiveResponse")(live=True))

    @routes.post(f"/{SERVICE}/ServerReady")
    def ready() -> Response:
        is_ready = service.registry.is_ready
        return _respond(message_class("inference.ServerReadyResponse")(ready=is_ready))

    @routes.post(f"/{SERVICE}/ServerMetadata")
    def server() -> Response:
        response = message_class("inference.ServerMetadataResponse")
        return _respond(response(name="mmf-flask", version=__version__, extensions=_EXTENSIONS))

    @routes.post(f"/{HEALTH}/List")
    def health_list() -> Response:
        return _respond(Health(service.registry).list(visible(service).registry.targets))

    @routes.post(f"/{HEALTH}/Check")
    def health_check() -> Response:
        """Return the status of a target; that of the whole server needs no request."""
        name = _read("grpc.health.v1.HealthCheckRequest").service
        check_target(name)  # whether it exists or not
        if (status := Health(service.registry).status(name)) == SERVICE_UNKNOWN:
            raise UnknownTarget(f"unknown service {name}")
        return _respond(message_class("grpc.health.v1.HealthCheckResponse")(status=status))

    @routes.post(f"/{SERVICE}/RepositoryIndex")
    def index() -> Response:
        message = _read("inference.RepositoryIndexRequest")
        only_ready = message.ready and not service.registry.is_ready
        entries = [] if only_ready else models.index(service)
        return _respond(message_class("inference.RepositoryIndexResponse")(models=entries))


def _model_methods(routes: Blueprint, service: Service) -> None:
    @routes.post(f"/{SERVICE}/ModelReady")
    def model_ready() -> Response:
        message = _read("inference.ModelReadyRequest")
        models.find(service, message.name)
        is_ready = service.registry.is_ready
        if is_ready:  # a version has a name once it is loaded
            models.find(service, message.name, message.version)
        return _respond(message_class("inference.ModelReadyResponse")(ready=is_ready))

    @routes.post(f"/{SERVICE}/ModelMetadata")
    def metadata() -> Response:
        message = _read("inference.ModelMetadataRequest")
        described = models.metadata(service, message.name, message.version)
        return _respond(message_class("inference.ModelMetadataResponse")(**described))


def _infer(service: Service, limits: Options) -> Any:
    """Return the ModelInferResponse to the message of this request."""
    this = request._get_current_object()  # type: ignore[attr-defined] # noqa: SLF001 - as in REST
    data, budget = read_whole(this), MemoryBudget("message", limits)
    check_message_size(data, budget, limits)
    message = parse(message_class("inference.ModelInferRequest"), data)
    version, is_raw = message.model_version, bool(message.raw_input_contents or not message.inputs)
    execution = models.find(service, message.model_name, version)
    target = execution.target
    enter_target(target)
    _refuse_gone()
    inference = read_inference(message, budget)
    del message  # while the target runs, its tensors are enough
    served_version, tensors = models.infer(service, execution, version, inference)
    try:
        return infer_response(target, served_version, inference, tensors, raw=is_raw)
    except (TypeError, ValueError) as error:
        raise models.unwritable(target, error) from error


def _refuse_gone() -> None:
    """Begin no call whose client is gone: it may have waited for a thread until its deadline."""
    context = current_context()
    if context and context.has_hung_up():
        raise ClientGone("the client has gone while its call was waiting")


def _read(name: str) -> Any:
    """Return the message of this request."""
    return parse(message_class(name), read_whole(request))


def _respond(message: Any) -> Response:
    return Response(message.SerializeToString(), content_type=MEDIA_TYPE)
