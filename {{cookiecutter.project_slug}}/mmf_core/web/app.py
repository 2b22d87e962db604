"""The application factory."""

from __future__ import annotations

import logging
import os
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from inspect import CO_COROUTINE
from itertools import chain
from types import FunctionType
from typing import Any, NoReturn

from flask import Flask
from flask import Request as AnyRequest
from flask.sessions import NullSession, SecureCookieSessionInterface
from werkzeug.exceptions import NotFound
from werkzeug.routing import Map, MapAdapter, RequestRedirect, Rule

from ..capabilities import parts, run_hooks
from ..codecs import preload
from ..errors import DeclarationError
from ..example_calls import use_model_schemas
from ..execution import Execution
from ..models import FORMATS
from ..probes import probes
from ..processes import is_in_gunicorn
from ..registry import Registry, load
from ..settings import Settings, SettingsGroup, check_environment
from ..target import Target
from . import authorization, blueprints, cells_read, errors, health, logs, request_origin, rest
from .http import codec_options
from .http.requests import Request
from .middleware import RequestContextMiddleware
from .observed_calls import observed
from .openapi import document
from .protocols import Service
from .replaced_handlers import warn_if_replaced

_OF_TASKS = ("background", "schedule")
UNWRAPPED = "mmf_wsgi_app"
"""The extension that is the WSGI application itself, for capabilities that call it."""
_log = logging.getLogger("mmf.app")


def create_app(source: str | Registry = "main", *, ready: bool = True) -> Flask:
    """Return the service of all targets and artifacts that module `source` declares.

    Artifacts are loaded here, so that a gunicorn master with `preload_app` loads them once for all
    its workers. Those marked `preload=False` are loaded by gunicorn.conf.py in each worker. With
    `ready=False` nothing is loaded: the routes exist and describe themselves, and a target loads
    its artifacts at its first call. DeclarationError, ArtifactError or SettingError say what to
    correct before the service can start.
    """
    check_environment(settings_groups())
    settings = Settings.from_env()
    logs.configure(settings)
    with warn_if_replaced():
        registry = load(source) if isinstance(source, str) else source
    _refuse_orphans(registry)
    if ready:
        _load_artifacts(registry)
        use_model_schemas(registry, may_call=settings.warm_up)

    def execution_of(target: Target) -> Execution:
        return Execution(target, settings, _replace_worker)

    executions = {route: execution_of(target) for route, target in registry.targets.items()}
    if ready and isinstance(source, str):
        for hook in parts("executions"):
            executions = hook(source, registry, executions, execution_of)
    if ready:
        executions = observed(executions, registry)
    service = Service(registry, executions, settings)
    if not is_in_gunicorn():  # gunicorn's workers do this after the fork
        run_hooks("worker_started")
    return _flask_app(service)


class _App(Flask):
    """Flask without redirects of its own: they would name whatever host the client has sent.

    What Flask determines for each request, though it never changes, is determined once.
    """

    request_class = Request

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._routes: dict[tuple[str, str], Rule] | None = None
        super().__init__(*args, **kwargs)
        self.session_interface = _Sessions()

    def add_url_rule(self, *args: Any, **kwargs: Any) -> None:
        """Register a route, as Flask does."""
        super().add_url_rule(*args, **kwargs)
        self._routes = None

    def create_url_adapter(self, request: AnyRequest | None) -> MapAdapter | None:
        """Return what finds the request's route; the host's name is checked by Werkzeug."""
        if request is None:
            return super().create_url_adapter(None)
        environ = request.environ
        by_host = self.subdomain_matching or self.url_map.host_matching
        named = self.config["SERVER_NAME"] or self.config["TRUSTED_HOSTS"]
        if by_host or named or "HTTP_UPGRADE" in environ:
            return super().create_url_adapter(request)
        scheme, parts = environ["wsgi.url_scheme"], ("HTTP_HOST", "SERVER_NAME", "SERVER_PORT")
        name = _server_name(scheme, *map(environ.get, parts))
        path = request.path if environ.get("PATH_INFO") else ""
        adapter = _Adapter(self.url_map, name, request.root_path, "", scheme, path, request.method)
        if self._routes is None:
            self._routes = _fixed_routes(self.url_map)
        adapter.routes = self._routes
        return adapter

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function as it is, unless it is asynchronous."""
        plain = func.func if type(func) is partial else func
        has_marks = type(plain) is not FunctionType or plain.__dict__
        if not (has_marks or plain.__code__.co_flags & CO_COROUTINE):
            return func
        return super().ensure_sync(func)

    def raise_routing_exception(self, request: AnyRequest) -> NoReturn:
        """Raise what routing has found instead of a view."""
        if isinstance(request.routing_exception, RequestRedirect):
            raise NotFound
        super().raise_routing_exception(request)


class _Adapter(MapAdapter):
    """Finds a route without variables by its method and path, any other as Werkzeug does."""

    routes: Mapping[tuple[str, str], Rule]

    def match(self, *args: Any, **kwargs: Any) -> Any:
        if kwargs == {"return_rule": True} and not args:
            rule = self.routes.get((self.default_method, self.path_info))
            if rule is not None:
                return rule, {}
        return super().match(*args, **kwargs)


class _Sessions(SecureCookieSessionInterface):
    """Flask's sessions; without a SECRET_KEY there is none, and one object can say so for all."""

    def __init__(self) -> None:
        self._none = NullSession()

    def make_null_session(self, app: Flask) -> NullSession:
        """Return the session that can only be looked into, and is empty."""
        return self._none


def _fixed_routes(url_map: Map) -> dict[tuple[str, str], Rule]:
    """Return the routes without variables, where only one of them has a method and a path."""
    rules = [
        ((method, rule.rule), rule)
        for rule in url_map.iter_rules()
        if not (
            rule.arguments or rule.redirect_to or rule.alias or rule.build_only or rule.websocket
        )
        for method in rule.methods or ()
    ]
    counts = Counter(key for key, _ in rules)
    return {key: rule for key, rule in rules if counts[key] == 1}


@lru_cache(maxsize=256)  # callers send the same few hosts
def _server_name(scheme: str, host: str | None, name: str | None, port: str | None) -> str:
    environ = {
        "REQUEST_METHOD": "GET",
        "wsgi.url_scheme": scheme,
        "HTTP_HOST": host,
        "SERVER_NAME": name,
        "SERVER_PORT": port,
    }
    present = {key: value for key, value in environ.items() if value is not None}
    return Map().bind_to_environ(present, subdomain="").server_name


def _flask_app(service: Service) -> Flask:
    settings, protocols = service.settings, (rest.PROTOCOL, *parts("protocol"))
    app = _App(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.url_map.merge_slashes = False  # it would redirect, with an HTML page
    errors.install(app, protocols, service.registry.targets)
    codec_options.install(app, settings)
    cells_read.install(app, service.registry.targets.values())
    origins = frozenset(chain.from_iterable(origins() for origins in parts("trusted_origins")))
    request_origin.install(app, settings.allowed_hosts, origins, probes())
    authorizers = (make_authorizer() for make_authorizer in parts("authorizer"))
    authorizer = next(filter(None, authorizers), None)
    authorization.install(app, authorizer, service.registry.targets)
    blueprints.register(app, health.blueprint(service.registry))
    blueprints.register(app, document.blueprint(service, protocols))
    for blueprint in rest.PROTOCOL.blueprints(service):  # one for each target
        app.register_blueprint(blueprint)
    for make_blueprints in (*parts("blueprints"), *(each.blueprints for each in parts("protocol"))):
        for blueprint in make_blueprints(service):
            blueprints.register(app, blueprint)
    names = {
        segment: protocol.name for protocol in protocols for segment in protocol.segments or ("",)
    }
    observers = [make_observer() for make_observer in parts("observer")]
    app.wsgi_app = RequestContextMiddleware(  # type: ignore[method-assign] # as Flask documents
        app.wsgi_app, names, observers, service.registry
    )
    app.extensions[UNWRAPPED] = app.wsgi_app  # without what an author puts around it
    return app


def settings_groups() -> tuple[type[SettingsGroup], ...]:
    """Return every group of environment variables that this service reads."""
    formats = (model_format.settings for model_format in FORMATS)
    return (Settings, *parts("settings"), *(group for group in formats if group))


def _load_artifacts(registry: Registry) -> None:
    registry.load_artifacts(before_fork=is_in_gunicorn())
    for target in registry.targets.values():
        for descriptor in target.descriptors:
            preload(descriptor.kind)


def _refuse_orphans(registry: Registry) -> None:
    """Refuse targets that nothing would call, after the extra has been removed that does.

    A target that trains when it is called, and not by itself, is left out: the others need no
    training.
    """
    for target in [*registry.targets.values()]:
        orphaned = []
        if target.trains and not parts("trainer"):
            orphaned.append("returns=mmf.ModelFile(…)")
        if not parts("runs_background"):
            options = {name: getattr(target.call_options, name) for name in _OF_TASKS}
            orphaned += [f"{name}={value!r}" for name, value in options.items() if value]
        if not orphaned:
            continue
        reason = f"{orphaned[0]} needs an extra that is not installed; see mmfmeta extras"
        if not target.trains or target.call_options.schedule:
            raise DeclarationError(f"{target.route}: {reason}")
        del registry.targets[target.route]
        _log.warning("%s is not served: %s", target.route, reason)


def _replace_worker() -> None:
    """Have gunicorn replace this worker, which finishes its requests first."""
    if is_in_gunicorn():
        os.kill(os.getpid(), signal.SIGTERM)
