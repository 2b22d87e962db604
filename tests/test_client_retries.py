"""Requests that `mmf_core.client` retries, and those that it sends once, to a scripted server."""

import socket
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from select import select
from typing import Any, NamedTuple

import pytest

from commands import free_port
from mmf_core import client as module
from mmf_core.client import Busy, Client, ServerError, ServiceError, Unreachable

ABOUT = b'{"arguments": [{"id": "data", "class_name": "Dict", "accepts": []}], "returns": null}'
DROP = object()


class Seen(NamedTuple):
    """A request."""

    method: str
    path: str
    connection: tuple[str, int]
    headers: Any


class Server(ThreadingHTTPServer):
    """Sends the `responses` in turn, then 204: (status, headers, body), or DROP for none."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.responses: list[Any] = []
        self.seen: list[Seen] = []
        self.hangs_up = False

    @property
    def calls(self) -> list[Seen]:
        return [request for request in self.seen if request.method == "POST"]

    def handle_error(self, *_: object) -> None:
        """Ignore clients that have disconnected."""


class Handler(BaseHTTPRequestHandler):
    """Sends the responses of its server."""

    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self._respond((200, {"Content-Type": "application/json"}, ABOUT))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._respond((204, {}, b""))

    def _respond(self, response: Any) -> None:
        server = self.server
        server.seen.append(Seen(self.command, self.path, self.client_address, self.headers))
        # A description is requested first; `responses` are for calls.
        if server.responses and (self.command == "POST" or server.responses[0] is DROP):
            response = server.responses.pop(0)
        if response is DROP:
            self.close_connection = True
            return
        self.close_connection |= server.hangs_up  # before a test sees this request and changes it
        status, headers, body = response
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        yield server
        server.shutdown()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    with Client(server.url) as client:
        client.describe("score")
        yield client


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return the waits of a client, in seconds."""
    waits: list[float] = []
    monkeypatch.setattr(module, "sleep", waits.append)
    return waits


@pytest.mark.parametrize("status", [503, 429])
def test_retry_after_is_respected(
    client: Client, server: Server, waits: list[float], status: int
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=20), usegmt=True)
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=20), usegmt=True)
    server.responses = [(status, {"Retry-After": after}, b"") for after in ("2", date, past)]
    assert client.score(1) is None
    assert len(server.calls) == 4
    assert waits == [2.0, pytest.approx(20, abs=15), 0.0]


def test_backoff_grows_with_jitter(client: Client, server: Server, waits: list[float]) -> None:
    server.responses = [(503, {}, b"busy")] * 10
    with pytest.raises(Busy) as busy:
        client.score(1)
    assert (len(server.calls), busy.value.retry_after) == (4, None)
    assert [0.1 <= wait <= most for wait, most in zip(waits, (0.5, 1, 2), strict=True)] == [
        True
    ] * 3
    assert len(set(waits)) == 3


@pytest.mark.parametrize("after", ["soon", "-1"])
def test_invalid_retry_after_is_ignored(
    client: Client, server: Server, waits: list[float], after: str
) -> None:
    server.responses = [(503, {"Retry-After": after}, b"")]
    client.score(1)
    assert len(waits) == 1


def test_long_retry_after_is_not_awaited(
    client: Client, server: Server, waits: list[float]
) -> None:
    server.responses = [(503, {"Retry-After": "3600"}, b"")]
    with pytest.raises(Busy) as busy:
        client.score(1)
    assert (waits, busy.value.retry_after, len(server.calls)) == ([], 3600.0, 1)


@pytest.mark.parametrize("status", [400, 500, 502, 504])
def test_other_errors_are_not_retried(
    client: Client, server: Server, waits: list[float], status: int
) -> None:
    server.responses = [(status, {"Content-Type": "text/html"}, b"<h1>of a proxy</h1>")]
    with pytest.raises(ServiceError, match="of a proxy") as error:
        client.score(1)
    assert error.value.status == status
    assert isinstance(error.value, ServerError) == (status >= 500)
    assert (waits, len(server.calls)) == ([], 1)


@pytest.mark.parametrize("body", [b"{", b"[1]", b"", b'{"errors": null}'])
def test_invalid_problem_document_is_an_error(client: Client, server: Server, body: bytes) -> None:
    server.responses = [(400, {"Content-Type": "application/problem+json"}, body)]
    with pytest.raises(ServiceError) as error:
        client.score(1)
    assert (error.value.status, error.value.errors, error.value.title) == (400, [], "Bad Request")


def test_redirects_are_not_followed(client: Client, server: Server) -> None:
    server.responses = [(301, {"Location": "https://other.example/"}, b"")]
    with pytest.raises(ServiceError, match="301 Moved Permanently"):
        client.score(1)


def test_call_that_may_have_executed_is_not_retried(
    client: Client, server: Server, waits: list[float]
) -> None:
    server.responses = [DROP]
    with pytest.raises(Unreachable) as lost:
        client.score(1)
    assert (lost.value.sent, lost.value.status, waits) == (True, 0, [])
    assert len(server.calls) == 1


def test_get_request_is_retried(client: Client, server: Server, waits: list[float]) -> None:
    server.responses = [DROP, DROP]
    assert client.describe("other")["returns"] is None
    assert len(waits) == 2


def test_refused_connection_is_retried(waits: list[float]) -> None:
    with Client(f"http://127.0.0.1:{free_port()}", retries=2) as client:
        with pytest.raises(Unreachable, match="refused") as error:
            client.score(1)
        assert (error.value.sent, len(waits)) == (False, 2)
        assert not client.ready()
        assert len(waits) == 2, "ready() does not retry"


def test_unknown_host_is_not_retried(waits: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: Any, **__: Any) -> None:
        raise socket.gaierror("not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with Client("http://none.example") as client, pytest.raises(Unreachable, match="not known"):
        client.score(1)
    assert waits == []


def test_silent_service_times_out(waits: list[float]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with Client(url, timeout=0.2) as client, pytest.raises(Unreachable) as late:
            client.score(1)
    assert isinstance(late.value.__cause__, TimeoutError)
    assert waits == []


def test_busy_service_is_not_ready(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Handler, "do_GET", lambda self: self._respond((503, {}, b"")))
    with Client(server.url) as client:
        assert not client.ready()


def test_connection_is_reused(client: Client, server: Server) -> None:
    for _ in range(3):
        client.score(1)
    assert len({request.connection for request in server.seen}) == 1


def test_closed_connection_is_not_reused(
    client: Client, server: Server, waits: list[float]
) -> None:
    server.hangs_up = True  # without `Connection: close`
    client.score(1)
    readable, _, _ = select([client._idle[0].sock], [], [], 20)  # the FIN has arrived
    assert readable
    client.score(1)
    assert (len(server.calls), waits) == (2, [])


def test_interrupted_response_is_not_read_by_the_next_request(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(module.http.client.HTTPResponse):
        def read(self, *_: Any) -> bytes:
            raise KeyboardInterrupt

    connection = client._idle[0]
    monkeypatch.setattr(connection, "response_class", Interrupted)
    with pytest.raises(KeyboardInterrupt):
        client.score(1)
    assert not client._idle
    assert client.score(1) is None


def test_new_service_version_is_detected(client: Client, server: Server) -> None:
    with pytest.raises(TypeError):
        client.score(new=1)
    server.responses = [(422, {}, b"")]
    with pytest.raises(ServiceError):
        client.score(1)
    client.score(1)
    assert [request.method for request in server.seen] == ["GET", "GET", "POST", "GET", "POST"]


def test_prefix_and_headers_are_sent(server: Server) -> None:
    with Client(f"{server.url}/models/wine/", headers={"Authorization": "Bearer x"}) as client:
        client.score(1)
    assert [request.path for request in server.seen] == ["/models/wine/score"] * 2
    assert [request.headers["Authorization"] for request in server.seen] == ["Bearer x"] * 2


@pytest.mark.parametrize("url", ["host:8000", "ftp://host", "http://", "http://u:secret@host"])
def test_rejects_invalid_url(url: str) -> None:
    with pytest.raises(ValueError, match="http://host:port") as refused:
        Client(url)
    assert "secret" not in str(refused.value)


def test_https(server: Server) -> None:
    client = Client(server.url.replace("http", "https"), retries=0)
    with pytest.raises(Unreachable, match=r"(?i)ssl"):
        client.score(1)
