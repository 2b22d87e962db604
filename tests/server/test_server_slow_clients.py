"""Clients that take their time, and requests that are none: nobody else notices."""

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterable, Iterator
from http.client import HTTPResponse
from typing import Any

import pytest
from gunicorn.http import errors
from harness import LONGEST, Harness

from mmf_core.server.connections import LARGEST
from mmf_core.server.refusals import CRASHED, fault_of, refusal

Make = Callable[..., Harness]
DRIPS = {
    "head": b"POST / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n1",
    "large body": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n1",
    "chunks": b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n1",
    "after 100": (
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9000000\r\n\r\n"
    ),
}


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with the length of the body, or with so many bytes."""
    length = int(environ["PATH_INFO"].strip("/") or 0)
    try:
        body = str(len(environ["wsgi.input"].read())).encode()
    except TimeoutError:
        start_response("408 Request Timeout", [("Content-Length", "0")])
        return []
    body = b"x" * length or body
    start_response("200 OK", [("Content-Length", str(len(body)))])
    return [body]


@pytest.fixture
def served(harness: Make) -> Harness:
    return harness(app).start()


@pytest.fixture
def quick(harness: Make, monkeypatch: pytest.MonkeyPatch) -> Harness:
    """Give a worker that does not wait for long."""
    monkeypatch.setenv("MMF_CLIENT_TIMEOUT", "0.5")
    return harness(app).start()


def answered(client: socket.socket) -> tuple[HTTPResponse, bytes]:
    response = HTTPResponse(client)
    response.begin()
    return response, response.read()


def assert_refused(client: socket.socket, status: int, word: str) -> None:
    response, body = answered(client)
    problem = json.loads(body)
    assert (response.status, problem["status"]) == (status, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Connection"] == "close"
    assert response.headers["X-Request-ID"] == problem["request_id"]
    assert word in problem["detail"]
    assert client.recv(1) == b"", "and the connection is over"


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS.keys())
def test_slow_clients_take_no_thread(served: Harness, drip: bytes) -> None:
    clients = [served.connect() for _ in range(20)]
    for piece in (drip, b"1"):
        for client in clients:
            client.sendall(piece)
        assert served.ask("/") == b"0"
    assert served.worker.tpool._work_queue.empty()
    assert served.worker.clients.count >= len(clients)


@pytest.mark.parametrize("drip", DRIPS.values(), ids=DRIPS.keys())
def test_a_client_that_is_too_slow_is_told_so(quick: Harness, drip: bytes) -> None:
    client = quick.connect()
    client.sendall(drip)
    if b"Expect" in drip:
        assert client.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert_refused(client, 408, "MMF_CLIENT_TIMEOUT")


def test_a_drip_does_not_lengthen_the_time(quick: Harness) -> None:
    client = quick.connect()
    client.sendall(DRIPS["head"])
    end = time.monotonic() + LONGEST
    client.settimeout(0.05)
    while time.monotonic() < end:
        try:
            assert client.recv(12) == b"HTTP/1.1 408"
            break
        except TimeoutError:
            client.sendall(b"a")
    else:
        pytest.fail("it was never told")


def test_what_follows_the_first_mebibyte_has_its_time_too(quick: Harness) -> None:
    client = quick.connect()
    client.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
    client.sendall(b"x" * LARGEST)
    response, _ = answered(client)
    assert response.status == 408
    assert client.recv(1) == b""


def test_a_large_body_that_comes_in_its_time_arrives(served: Harness) -> None:
    client = served.client()
    pieces: Iterator[bytes] = iter([b"x" * LARGEST, b"y" * LARGEST, b"z"])
    client.request("POST", "/", pieces, encode_chunked=True)
    assert client.getresponse().read() == str(2 * LARGEST + 1).encode()


@pytest.mark.parametrize(
    ("head", "status", "word"),
    [
        (b"nonsense\r\n\r\n", 400, "request line"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "version"),
        (b"GET / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", 400, "header"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400, "name"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 431, "headers"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "request line"),
        (b"GET / HTTP/1.1\r\nA: " + b"b" * (1 << 16), 431, "64 KiB"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417, "100-continue"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n", 501, "chunked"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_what_is_no_request_is_refused_in_the_services_shape(
    served: Harness, head: bytes, status: int, word: str
) -> None:
    client = served.connect()
    client.sendall(head)
    assert_refused(client, status, word)
    assert served.ask("/") == b"0"


def test_a_refusal_repeats_nothing_of_what_was_sent() -> None:
    status, detail = fault_of(errors.InvalidHeader("Authorization: Basic c2VjcmV0"))
    assert status == 400
    assert b"c2VjcmV0" not in refusal(status, detail)[1]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidProxyLine("x"), 400),
        (errors.InvalidResponseHeader("x"), 500),
        (ValueError("a secret"), 500),
    ],
)
def test_whose_fault_it_is(error: Exception, status: int) -> None:
    seen, detail = fault_of(error)
    assert seen == status
    assert (detail == CRASHED) == (status == 500)


def test_a_crash_below_the_application_is_told_by_its_id(
    harness: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Iterable[bytes]:
        raise RuntimeError("a secret")

    client = harness(broken).start().connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    response, body = answered(client)
    assert response.status == 500
    assert b"secret" not in body
    assert json.loads(body)["request_id"] in caplog.text
    assert "a secret" in caplog.text


def test_no_version_of_the_server_is_told(served: Harness) -> None:
    client = http.client.HTTPConnection(*served.address, timeout=LONGEST)
    client.request("GET", "/")
    response = client.getresponse()
    assert not any(one.isdigit() for one in response.headers["Server"])
    client.close()
