"""The application factory."""

from __future__ import annotations

import os
import signal

from flask import Flask

from .. import metrics, mlflow, page, tracing, v2
from ..codecs import preload
from ..cors.middleware import Cors
from ..execution import Execution
from ..registry import Registry, load
from ..settings import Settings
from ..swagger_ui import routes
from . import errors, health, logs, rest
from .http import codec_options
from .http.content_encoding import compress
from .openapi import document
from .protocols import Service
from .request_context import RequestContextMiddleware

PROTOCOLS = (rest.PROTOCOL, mlflow.PROTOCOL, v2.PROTOCOL)
"""Every protocol that is spoken; another is a module and its name here."""


def create_app(source: str | Registry = "main", *, ready: bool = True) -> Flask:
    """Return the service of everything that module `source` declares.

    Artifacts are loaded here, so that a gunicorn master with `preload_app` loads them once for
    all its workers. Those marked `preload=False` wait until gunicorn.conf.py, in each worker,
    makes the registry ready. With `ready=False` nothing is loaded: the routes
    are there and describe themselves, and a target loads what it needs when it is first called.
    DeclarationError, ArtifactError or SettingError say what to mend before the service can start.
    """
    settings = Settings.from_env()
    logs.configure(settings)
    registry = load(source) if isinstance(source, str) else source
    if ready:
        _make_ready(registry)
    app = Flask(__name__, static_folder=None)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.config["MAX_FORM_MEMORY_SIZE"] = settings.max_body
    app.url_map.merge_slashes = False  # it would redirect, by an HTML page
    errors.install(app, PROTOCOLS)
    codec_options.install(app, settings)
    app.after_request(compress)
    app.register_blueprint(health.blueprint(registry))
    app.register_blueprint(metrics.blueprint(registry))
    executions = {
        target.route: Execution(target, settings, _replace_worker)
        for target in registry.targets.values()
    }
    service = Service(registry, executions, settings)
    app.register_blueprint(document.blueprint(service, PROTOCOLS))
    if settings.ui:
        app.register_blueprint(routes.blueprint())
        app.register_blueprint(page.blueprint(service))
    for protocol in PROTOCOLS:
        for blueprint in protocol.blueprints(service):
            app.register_blueprint(blueprint)
    if not _is_in_gunicorn():  # there each worker does, after the fork
        tracing.start()
    if settings.cors_origins:
        app.wsgi_app = Cors(app.wsgi_app, settings.cors_origins)  # type: ignore[method-assign]
    names = {part: one.name for one in PROTOCOLS for part in one.segments or ("",)}
    app.wsgi_app = RequestContextMiddleware(app.wsgi_app, names)  # type: ignore[method-assign] # as documented
    return app


def _make_ready(registry: Registry) -> None:
    registry.load_artifacts(before_fork=_is_in_gunicorn())
    for target in registry.targets.values():
        for descriptor in target.descriptors:
            preload(descriptor.kind)


def _replace_worker() -> None:
    """Ask gunicorn for another worker; this one ends after the requests that it has."""
    if _is_in_gunicorn():
        os.kill(os.getpid(), signal.SIGTERM)


def _is_in_gunicorn() -> bool:
    """Tell whether gunicorn's master made this process, or is it: it sets this variable."""
    return os.environ.get("SERVER_SOFTWARE", "").startswith("gunicorn/")
