"""A web server for one file, with the faults of real ones."""

import threading
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self


class WebServer(ThreadingHTTPServer):
    """Serves `content` under any path.

    `cuts` are numbers of bytes after which responses break off, in turn. `statuses` are sent
    instead, in turn. `sends_size` and `supports_ranges` are optional features of servers.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.content = b""
        self.requests: list[Message] = []
        self.cuts: list[int] = []
        self.statuses: list[int] = []
        self.sends_size = True
        self.supports_ranges = True
        self.url = f"http://127.0.0.1:{self.server_port}/models/model.bin"

    def __enter__(self) -> Self:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, *_: object) -> None:
        """Ignore clients that have disconnected."""


class _Handler(BaseHTTPRequestHandler):
    server: WebServer

    def do_GET(self) -> None:
        server = self.server
        server.requests.append(self.headers)
        if server.statuses:
            self.send_error(server.statuses.pop(0))
            return
        span = self.headers["Range"] if server.supports_ranges else None
        start = int(span.removeprefix("bytes=").removesuffix("-")) if span else 0
        if start and start >= len(server.content):
            self.send_error(416)
            return
        body = server.content[start:]
        self.send_response(206 if span else 200)
        if span:
            end = len(server.content)
            self.send_header("Content-Range", f"bytes {start}-{end - 1}/{end}")
        if server.sends_size:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body[: server.cuts.pop(0)] if server.cuts else body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""
