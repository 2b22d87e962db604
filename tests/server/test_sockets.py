"""A response's headers leave together with its body, and a socket waits without being changed."""

import itertools
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import Harness

from mmf_core.server.sockets import BlockingSocket

HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


class CountingSocket(BlockingSocket):
    """Counts how often it is given bytes to send."""

    sent = 0

    def send(self, data: bytes, flags: int = 0, /) -> int:  # type: ignore[override]
        self.sent += 1
        return super().send(data, flags)


@pytest.fixture
def pair() -> Iterator[tuple[CountingSocket, socket.socket]]:
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    with CountingSocket.of(ours) as server, theirs:
        yield server, theirs


Pair = tuple[CountingSocket, socket.socket]


def received(client: socket.socket, size: int) -> bytes:
    content = b""
    while len(content) < size:
        content += client.recv(size)
    return content


def test_headers_leave_with_the_body(pair: Pair) -> None:
    server, client = pair
    for _ in range(2):  # a connection is kept
        server.hold_headers()
        server.sendall(HEADERS)
        server.sendall(b"[]")
        server.send_held()
    assert received(client, 2 * len(HEADERS) + 4) == 2 * (HEADERS + b"[]")
    assert server.sent == 2


def test_headers_without_a_body_leave_at_the_end(pair: Pair) -> None:
    server, client = pair
    server.hold_headers()
    server.sendall(HEADERS)
    assert not server.sent
    server.send_held()
    assert received(client, len(HEADERS)) == HEADERS


@pytest.mark.parametrize(
    "first",
    [
        CHUNKED,
        b"HTTP/1.1 103 Early Hints\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        b"PRI",
    ],
    ids=["chunked", "103", "101", "HTTP/2"],
)
def test_what_a_client_may_need_at_once_is_not_held(pair: Pair, first: bytes) -> None:
    server, client = pair
    server.hold_headers()
    server.sendall(first)
    assert received(client, len(first)) == first


def test_long_body_is_not_copied(pair: Pair) -> None:
    server, client = pair
    body = bytes(100_000)
    server.hold_headers()
    server.sendall(HEADERS)
    server.sendall(body)
    assert received(client, len(HEADERS) + len(body)) == HEADERS + body
    assert server.sent > 1


def test_file_follows_its_headers(pair: Pair, tmp_path: Path) -> None:
    server, client = pair
    file = tmp_path / "file"
    file.write_bytes(b"{}")
    server.hold_headers()
    server.sendall(HEADERS)
    with file.open("rb") as content:
        server.sendfile(content)
    assert received(client, len(HEADERS) + 2) == HEADERS + b"{}"


def test_timeout_ends_a_wait_to_receive(pair: Pair) -> None:
    server, client = pair
    server.settimeout(0.01)
    assert server.gettimeout() == 0.01
    with pytest.raises(TimeoutError):
        server.recv(1)
    client.send(b"a")
    assert server.recv(1) == b"a"
    server.settimeout(None)
    client.send(b"b")
    assert server.recv(1) == b"b"


def late_body() -> Iterator[bytes]:
    threading.Event().wait(1)
    yield b"late"


def respond(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    if environ["PATH_INFO"] == "/204":
        start_response("204 No Content", [])
        return []
    if environ["PATH_INFO"] == "/0":
        start_response("200 OK", [("Content-Length", "0")])
        return []
    start_response("200 OK", [("Content-Length", "4")])
    return itertools.chain([b""], late_body())


@pytest.mark.parametrize("request_line", ["POST /204", "POST /0", "HEAD /late", "GET /late"])
def test_headers_do_not_wait_for_a_body_that_comes_late_or_never(
    request_line: str, harness: Callable[..., Harness]
) -> None:
    client = harness(respond).start().connect()
    client.settimeout(0.8)  # less than any wait
    fields = "Host: a\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n"
    client.sendall(f"{request_line} HTTP/1.1\r\n{fields}".encode())
    content = client.makefile("rb")
    assert content.readline() == b"HTTP/1.1 100 Continue\r\n"
    assert content.readline() == b"\r\n"
    assert content.readline().startswith(b"HTTP/1.1 20")
    client.sendall(bytes(9))
