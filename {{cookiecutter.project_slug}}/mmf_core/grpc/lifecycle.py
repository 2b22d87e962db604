"""When gRPC is served: by each of gunicorn's workers, from its start to its end.

The packages of gRPC have threads, which do not survive a fork: the master imports none of them.
"""

from __future__ import annotations

import os
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING

from flask import Flask

from ..processes import is_in_gunicorn
from ..web.protocols import Service
from .listeners import Listeners
from .settings import GrpcSettings

if TYPE_CHECKING:
    from .server import GrpcServer

_DEFAULT_HTTP_PORT = 8000


class _Current:
    """What this process serves: the application that was made last, and its server."""

    app: tuple[Flask, Service] | None = None
    server: GrpcServer | None = None
    listeners: Listeners | None = None


def check_port() -> None:
    """End gunicorn's start, with a line that says why, if its workers could not serve gRPC.

    A worker could: a second service on the same port would share its connections with the first.
    """
    settings = GrpcSettings.from_env()
    if not settings.port:
        return
    host = _host()
    if settings.port == int(os.environ.get("PORT", _DEFAULT_HTTP_PORT)):
        raise SystemExit(f"MMF_GRPC_PORT={settings.port}: this is the port of HTTP (set PORT)")
    try:
        _bind(host, settings.port)
        if settings.certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(settings.certificate, settings.key)
    except ssl.SSLError as error:
        raise SystemExit(
            f"MMF_GRPC_CERT, MMF_GRPC_KEY: expected PEM files of a pair: {error}"
        ) from None
    except OSError as error:
        raise SystemExit(f"MMF_GRPC_PORT={settings.port} on {host}: {error.strerror}") from None
    _Current.listeners = Listeners()


def _host() -> str:
    return os.environ.get("WEB_HOST", "0.0.0.0")  # noqa: S104 - as gunicorn.conf.py


def _bind(host: str, port: int) -> None:
    """Raise OSError if something else listens there."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        trial.bind((host.strip("[]"), port))


def serve_later(app: Flask, service: Service) -> None:
    """Have workers serve this application."""
    _Current.app = app, service


@contextmanager
def reimporting(_modules: Iterable[ModuleType]) -> Iterator[None]:
    """Go back to the application that there was, if a new version of the project fails."""
    before = _Current.app
    try:
        yield
    except BaseException:
        _Current.app = before
        raise


def announce() -> None:
    """Note that this worker will listen."""
    if _Current.listeners:
        _Current.listeners.announce()


def start() -> None:
    """Begin to serve, in this worker."""
    settings = GrpcSettings.from_env()
    if not settings.port or _Current.app is None or not is_in_gunicorn():
        return
    from .server import GrpcServer  # after the fork: see above

    app, service = _Current.app
    listeners = _Current.listeners or Listeners()
    _Current.server = GrpcServer(app, service, settings, _host(), listeners)
    _Current.server.start()


def end() -> None:
    """Wait for the calls that are running, as long as the worker may."""
    if _Current.server:
        _Current.server.stop()
