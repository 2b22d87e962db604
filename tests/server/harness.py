"""A threaded worker in a thread of the test: no master, no fork, no signals."""

import os
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from selectors import DefaultSelector
from threading import Thread
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger
from gunicorn.workers.gthread import ThreadWorker

from mmf_core.server import Worker

LONGEST = 20


class Harness:
    """A worker, its listening socket, and clients."""

    def __init__(self, app: Any, worker: type[ThreadWorker] = Worker, **settings: Any) -> None:
        cfg = Config()
        for name, value in {"threads": 8, "keepalive": 60, "graceful_timeout": LONGEST}.items():
            cfg.set(name, settings.pop(name, value))
        for name, value in settings.items():
            cfg.set(name, value)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.worker: Any = worker(1, os.getppid(), [self.listener], None, 30, cfg, Logger(cfg))
        self.worker.wsgi = app
        self.worker.tpool = self.worker.get_thread_pool()
        self.worker.poller = DefaultSelector()
        self.worker.method_queue.init()
        self.address = self.listener.getsockname()
        self._thread = Thread(target=self.worker.run)
        self.stack = ExitStack()

    def start(self) -> "Harness":
        """Start serving."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Shut down as after SIGTERM, and wait."""
        self.stack.close()
        self.worker.handle_exit(0, None)
        self._thread.join(LONGEST)
        assert not self._thread.is_alive()

    def close(self) -> None:
        """Release everything."""
        if self._thread.ident is not None:
            self.stop()
        self.stack.close()
        self.worker.tpool.shutdown()
        self.worker.tmp.close()
        self.listener.close()

    def connect(self) -> socket.socket:
        """Return a client's socket."""
        return self.stack.enter_context(socket.create_connection(self.address, LONGEST))

    def client(self) -> HTTPConnection:
        """Return a client that keeps its connection."""
        client = HTTPConnection(*self.address, timeout=LONGEST)
        self.stack.callback(client.close)
        return client

    def get(self, path: str, body: bytes | None = None) -> bytes:
        """Return the response to a request on a new connection."""
        return get(self.client(), path, body)


def get(client: HTTPConnection, path: str, body: bytes | None = None) -> bytes:
    """Return the response to one request."""
    client.request("GET" if body is None else "POST", path, body)
    response = client.getresponse()
    content = response.read()
    assert response.status == 200, content
    return content


@contextmanager
def closing(harness: Harness) -> Iterator[Harness]:
    """Close a harness at the end of the block."""
    try:
        yield harness
    finally:
        harness.close()
