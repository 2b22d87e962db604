"""Connections: what has arrived, what is missing, and how an answer goes out."""

import math
import socket
import tempfile
from collections.abc import Iterator
from typing import Any

import pytest
from gunicorn.config import Config

from mmf_core.server.connections import LARGEST, Connection
from mmf_core.server.wires import Wire

HEAD = b"POST / HTTP/1.1\r\nHost: here\r\n"
LARGE = HEAD + f"Content-Length: {LARGEST}\r\n\r\n".encode()
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """Give a connection and its client's end."""
    ours, theirs = socket.socketpair()
    theirs.settimeout(10)
    connection = Connection(Config(), ours, ("", 0), ("", 0))
    yield connection, theirs
    connection.close()
    theirs.close()


@pytest.mark.parametrize(
    ("received", "missing"),
    [
        (b"", 1),
        (HEAD, 1),
        (HEAD + b"\r\n", 0),
        (HEAD + b"Content-Length: 3\r\n\r\n", 3),
        (HEAD + b"content-length:3 \r\nA: b\r\n\r\nab", 1),
        (HEAD + b"Content-Length: 3\r\n\r\nabc", 0),
        (HEAD + b"Content-Length: 3\r\n\r\nabcPOST", -4),
        (LARGE, LARGEST - len(LARGE)),
        (LARGE + b"x" * LARGEST, math.inf),
        (CHUNKED, 1),
        (CHUNKED + b"3", 1),
        (CHUNKED + b"3\r\na", 4),
        (CHUNKED + b"3;name=value\r\n\r\n\r", 2),
        (CHUNKED + b"3\r\nabc\r\n0\r\n", 1),
        (CHUNKED + b"3\r\nabc\r\n0\r\n\r\n", 0),
        (CHUNKED + b"0\r\nTrailer: x\r\n", 1),
        (CHUNKED + b"0\r\nTrailer: x\r\n\r\nGET", 0),
        (CHUNKED + b"-3\r\n", math.inf),
        (CHUNKED + b"zz\r\n", math.inf),
        (CHUNKED + b"f" * 17 + b"\r\n", math.inf),
        (CHUNKED + b"ffffff\r\n" + b"x" * LARGEST, math.inf),
        (HEAD + b"Expect: 100-continue\r\nContent-Length: 3\r\n\r\n", 3),
        (HEAD + b"Expect: miracles\r\nContent-Length: 3\r\n\r\n", math.inf),
        (HEAD + b"Upgrade: h2c\r\n\r\n", 0),
        (b"x" * (1 << 16), math.inf),
    ],
)
def test_what_is_missing_is_told_by_the_head(
    pair: tuple[Connection, socket.socket], received: bytes, missing: float
) -> None:
    connection, _ = pair
    connection.received = received
    assert connection.missing() == missing


@pytest.mark.parametrize(
    ("received", "request_"),
    [
        (b"POST /score?format=xlsx HTTP/1.1\r\n", b"POST /score"),
        (b"GET / HTTP/1.1\r\n", b"GET /"),
        (b"nonsense", b""),
    ],
)
def test_a_request_is_known_by_method_and_path(
    pair: tuple[Connection, socket.socket], received: bytes, request_: bytes
) -> None:
    connection, _ = pair
    connection.received = received
    assert connection.request() == request_


def test_what_arrives_is_collected_until_the_client_has_gone(
    pair: tuple[Connection, socket.socket],
) -> None:
    connection, client = pair
    assert connection.receive()
    assert connection.received == b""
    for piece in (HEAD, b"\r\n"):
        client.sendall(piece)
        assert connection.receive()
    assert connection.received == HEAD + b"\r\n"
    client.shutdown(socket.SHUT_WR)
    assert connection.receive()
    assert connection.missing() == math.inf
    connection.received = b""
    assert not connection.receive()


def test_a_connection_that_is_reset_has_gone(pair: tuple[Connection, socket.socket]) -> None:
    connection, _ = pair
    connection.sock.close()
    assert not connection.receive()


class Recorder(Wire):
    """Counts what is handed to the system."""

    sizes: list[int]

    def flush(self, more: Any = b"", flags: int = 0) -> None:
        """Note what goes out."""
        self.sizes.append(len(self._held + more))
        super().flush(more, flags)


def test_an_answers_head_goes_out_with_its_body() -> None:
    ours, theirs = socket.socketpair()
    with Recorder.of(ours) as wire, theirs:
        wire.sizes = []
        wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.sendall(b"body")
        wire.sendall(b"more")
        assert wire.sizes == [23, 4]
        assert theirs.recv(100) == b"HTTP/1.1 200 OK\r\n\r\nbodymore"
        wire.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        wire.flush()
        wire.flush()
        assert theirs.recv(100) == b"HTTP/1.1 204 No Content\r\n\r\n"


def test_an_answers_head_goes_out_before_a_file() -> None:
    ours, theirs = socket.socketpair()
    with Wire.of(ours) as wire, theirs, tempfile.TemporaryFile() as file:
        file.write(b"a file")
        file.seek(0)
        wire.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        wire.sendfile(file)
        assert theirs.recv(100) == b"HTTP/1.1 200 OK\r\n\r\na file"


def test_whether_it_waits_can_be_set() -> None:
    ours, theirs = socket.socketpair()
    with Wire.of(ours) as wire, theirs:
        wire.setblocking(False)
        assert wire.gettimeout() == 0
        wire.setblocking(False)
        with pytest.raises(BlockingIOError):
            wire.recv(1)
        wire.setblocking(True)
        assert wire.gettimeout() is None
