"""A worker's server of gRPC, in a thread with an event loop."""

from __future__ import annotations

import asyncio
import logging
import time
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any

import grpc
from flask import Flask

from ..blocking import blocking
from ..server import graceful_shutdown
from ..server.request_threads import RequestThreads
from ..web.protocols import Service
from .calls import respond
from .gate import Gate
from .handlers import QUIET, Handlers
from .health import Health
from .listeners import Listeners
from .settings import MAX_CALLS, GrpcSettings

POLL = 0.05  # seconds between two checks whether this worker is ending
BUSY_POLL = 0.02  # seconds between two checks of its threads, while a call waits for one
KEEPALIVE = 60.0  # seconds after which a silent client is pinged
MIN_GRACE = 0.1
RETRY_AFTER = 1.0  # seconds until a port that could not be had is tried again
_log = logging.getLogger("mmf.grpc")


class CannotListen(Exception):
    """The port is taken, or the certificate cannot be used: tried again after a while."""


class GrpcServer:
    """Serves an application from `start` until `stop`, or until its worker has to end."""

    def __init__(
        self,
        app: Flask,
        service: Service,
        settings: GrpcSettings,
        host: str,
        listeners: Listeners,
    ) -> None:
        self._app = app
        self._service = service
        self._settings = settings
        name = host.strip("[]")
        self._address = f"{f'[{name}]' if ':' in name else name}:{settings.port}"
        self._listeners = listeners
        self._thread = Thread(target=self._run, name="mmf-grpc-loop", daemon=True)
        self._has_begun, self._must_stop = Event(), Event()

    def start(self) -> None:
        """Begin to listen, now if the port is free."""
        self._thread.start()
        self._has_begun.wait()

    def stop(self) -> None:
        """Finish the calls that are running, as long as this worker may."""
        self._must_stop.set()
        self._thread.join(graceful_shutdown.seconds_left() + graceful_shutdown.MARGIN / 2)

    def _run(self) -> None:
        while not self._must_stop.is_set():
            try:
                asyncio.run(self._serve())
            except CannotListen as error:
                _log.error("gRPC is not served: %s", error)
            except Exception:  # noqa: BLE001 - HTTP is served all the same
                _log.exception("gRPC is not served")
            else:
                return
            finally:
                self._has_begun.set()
            self._must_stop.wait(RETRY_AFTER)

    async def _serve(self) -> None:
        settings = self._service.settings
        call_app = partial(
            respond,
            self._app,
            port=self._settings.port,
            is_secure=bool(self._settings.certificate),
        )
        health = Health(self._service.registry)
        handlers = Handlers(
            call_app, Gate(self._app), health, self._settings.threads, settings.client_timeout
        )
        server = grpc.aio.server(
            handlers=handlers.generic(),
            options=_options(settings.max_body, self._settings.max_connection_age),
            maximum_concurrent_rpcs=MAX_CALLS,
        )
        self._bind(server)
        await server.start()
        blocking.threads += (handlers.threads,)
        self._listeners.listen()
        _log.info("gRPC is served on port %d", self._settings.port)
        self._has_begun.set()
        adapting = asyncio.create_task(_adapt(handlers.threads))  # to the end, while calls wait
        while not (graceful_shutdown.is_ending() or self._must_stop.is_set()):
            await asyncio.sleep(POLL)
        await self._wait_for_successor()
        grace = max(MIN_GRACE, graceful_shutdown.seconds_left())
        async with handlers.held():
            stopped = asyncio.create_task(server.stop(grace))
            await asyncio.sleep(QUIET)
        handlers.ending.set()
        await stopped
        adapting.cancel()

    def _bind(self, server: Any) -> None:
        """Have a server listen; CannotListen has the reason if it cannot."""
        credentials = self._credentials()
        try:
            if credentials is None:
                server.add_insecure_port(self._address)
            else:
                server.add_secure_port(self._address, credentials)
        except RuntimeError as error:  # the library's only one for all reasons
            raise CannotListen(str(error)) from error

    def _credentials(self) -> Any:
        """Return the certificate with its key; None without TLS."""
        if not self._settings.certificate:
            return None
        files = (self._settings.key, self._settings.certificate)
        try:
            key, certificate = (Path(file).read_bytes() for file in files)
        except OSError as error:
            raise CannotListen(f"{error.filename} cannot be read: {error.strerror}") from error
        return grpc.ssl_server_credentials([(key, certificate)])

    async def _wait_for_successor(self) -> None:
        """Listen until another worker does, unless the whole service ends."""
        since, seconds = time.monotonic(), graceful_shutdown.seconds_left()
        self._listeners.leave()
        while not graceful_shutdown.has_begun() and not self._listeners.may_close(since):
            if graceful_shutdown.seconds_left() < seconds / 2:  # calls need the rest
                return
            await asyncio.sleep(POLL)


async def _adapt(threads: RequestThreads[Any]) -> None:
    """Have as many threads run as serve best."""
    while True:
        threads.adapt()
        await asyncio.sleep(BUSY_POLL if threads.is_any_waiting() else POLL)


def _options(max_body: int, max_connection_age: float) -> list[tuple[str, int]]:
    """Return the options of the library, in bytes and milliseconds."""
    options = {
        "grpc.so_reuseport": 1,
        "grpc.max_receive_message_length": max_body,
        "grpc.max_send_message_length": -1,
        "grpc.keepalive_time_ms": int(KEEPALIVE * 1000),
    }
    if max_connection_age:
        options["grpc.max_connection_age_ms"] = int(max_connection_age * 1000)
    return [*options.items()]
