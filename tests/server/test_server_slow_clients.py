"""Slow clients and malformed requests do not affect others."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPResponse
from threading import Event
from typing import Any

import pytest
from gunicorn.http import errors
from harness import LONGEST, Harness

import mmf_core as mmf
from mmf_core.errors import CRASHED
from mmf_core.server import connections
from mmf_core.server.connections import MAX_AWAITED
from mmf_core.server.http_errors import error_response
from mmf_core.settings import MIB
from mmf_core.web import create_app
from mmf_core.web.middleware import SAFETY_HEADERS

Make = Callable[..., Harness]
POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
LARGE = POST + b"Content-Length: 9000000\r\n\r\n"
PIECES = {
    "head": [POST + b"X-Slow: ", b"1\r\nContent-Len", b"gth: 10\r\n\r", b"\n1234567890"],
    "body": [POST + b"Content-Length: 10\r\n\r\n", b"123", b"456789", b"0"],
    "zeros": [POST + b"Content-Length: 00000000010\r\n\r\n", b"123", b"456789", b"0"],
    "chunks": [
        POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\n1",
        b"2345\r",
        b"\n5\r\n12345\r\n0",
        b"\r\n\r\n",
    ],
}


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Respond with the length of the body, or with the number of bytes in the path."""
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
    """Return a worker with short timeouts."""
    monkeypatch.setenv("MMF_CLIENT_TIMEOUT", "0.5")
    return harness(app).start()


def response_of(client: socket.socket) -> tuple[HTTPResponse, bytes]:
    response = HTTPResponse(client)
    response.begin()
    return response, response.read()


def assert_rejected(client: socket.socket, status: int, word: str) -> None:
    response, body = response_of(client)
    problem = json.loads(body)
    assert (response.status, problem["status"]) == (status, status)
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["Connection"] == "close"
    assert response.headers["X-Request-ID"] == problem["request_id"]
    assert dict(SAFETY_HEADERS).items() <= dict(response.headers).items()
    assert word in problem["detail"]
    assert client.recv(1) == b"", "and the connection is closed"


@pytest.mark.parametrize("drip", PIECES.values(), ids=PIECES.keys())
def test_slow_clients_do_not_hold_threads(served: Harness, drip: list[bytes]) -> None:
    clients = [served.connect() for _ in range(100)]
    for piece in drip[:-1]:
        for client in clients:
            client.sendall(piece)
        assert served.get("/") == b"0"
        assert not served.worker.tpool.is_any_waiting()
    for client in clients:
        client.sendall(drip[-1])
    for client in clients:
        response, body = response_of(client)
        assert (response.status, body) == (200, b"10")


@pytest.mark.parametrize("drip", [*(pieces[0] for pieces in PIECES.values()), LARGE])
def test_slow_client_gets_408(quick: Harness, drip: bytes) -> None:
    client = quick.connect()
    client.sendall(drip)
    assert_rejected(client, 408, "MMF_CLIENT_TIMEOUT")


@pytest.mark.parametrize("digits", [11, 19, 100])
def test_content_length_of_any_size_has_a_timeout(quick: Harness, digits: int) -> None:
    client = quick.connect()
    client.sendall(POST + b"Content-Length: " + b"9" * digits + b"\r\n\r\nabc")
    assert client.recv(12) == b"HTTP/1.1 408"


@pytest.mark.parametrize(("chunks", "status"), [(99, 200), (100, 413)])
def test_rejects_too_many_chunks(
    harness: Make, monkeypatch: pytest.MonkeyPatch, chunks: int, status: int
) -> None:
    """A million one-byte chunks take microseconds each."""
    monkeypatch.setattr(connections, "_MAX_CHUNKS", 100)
    registry = mmf.Registry()
    file = mmf.File()

    @registry.target(returns=mmf.Integer())
    def size(data: Any = file) -> int:
        return len(data)

    served = harness(create_app(registry)).start()
    client = served.client()
    client.request("POST", "/size", iter([b"x"] * chunks), encode_chunked=True)
    response = client.getresponse()
    assert response.status == status
    body = json.loads(response.read())
    if status == 413:
        assert body["detail"] == "expected a body of at most 100 chunks; send longer ones"
        assert served.get("/size")  # the next client is served
    else:
        assert body == {"result": chunks}


def test_many_small_chunks_do_not_block_others(served: Harness) -> None:
    """Each byte is an event of the main loop, which must not rescan all of them."""
    start = POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 2500
    clients = [served.connect() for _ in range(8)]
    for client in clients:
        client.sendall(start)
    began = time.thread_time()
    busy = time.process_time()
    for byte in b"1\r\nx\r\n" * 60:
        for client in clients:
            client.sendall(bytes([byte]))
        time.sleep(0.001)
    busy = time.process_time() - busy - (time.thread_time() - began)
    for client in clients:  # all of them first: half as many threads as clients read them
        client.sendall(b"0\r\n\r\n")
    for client in clients:
        response, body = response_of(client)
        assert (response.status, body) == (200, b"2560")
    assert busy < 0.3, "seconds of CPU for 19 KB"


@pytest.mark.parametrize(("count", "status"), [(90, b"100"), (600, b"431")])
def test_repeated_header(served: Harness, count: int, status: bytes) -> None:
    client = served.connect()
    client.sendall(POST + b"Expect: 100-continue\r\n" * count + b"Content-Length: 1\r\n\r\n1")
    assert client.recv(12) == b"HTTP/1.1 " + status
    assert served.get("/") == b"0"


def test_body_read_by_a_thread_has_a_timeout(quick: Harness) -> None:
    large, waiting = quick.connect(), quick.connect()
    large.sendall(LARGE + b"x" * MAX_AWAITED)
    waiting.sendall(LARGE.replace(b"\r\n\r\n", b"\r\nExpect: 100-continue\r\n\r\n"))
    assert waiting.recv(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
    for client in (large, waiting):
        assert client.recv(12) == b"HTTP/1.1 408"


def test_slow_drip_does_not_extend_the_timeout(quick: Harness) -> None:
    client = quick.connect()
    client.sendall(PIECES["head"][0])
    end = time.monotonic() + LONGEST
    client.settimeout(0.05)
    while time.monotonic() < end:
        try:
            assert client.recv(12) == b"HTTP/1.1 408"
            break
        except TimeoutError:
            client.sendall(b"a")
    else:
        pytest.fail("it was never refused")


THREAD_READS = {
    "large": LARGE + b"x" * MAX_AWAITED,
    "chunks": POST + b"Transfer-Encoding: chunked\r\n\r\n8000\r\n" + b"x" * 0x7000,
    "expect": POST + b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n",
    "unusual": b"\r\n" + POST + b"A: b",
}
"""Requests whose body a thread must read, since the kernel cannot buffer all of it."""


@pytest.mark.parametrize("start", THREAD_READS.values(), ids=THREAD_READS.keys())
def test_bodies_read_by_threads_do_not_block_others(quick: Harness, start: bytes) -> None:
    """More such clients than threads, each sending every byte in time."""
    clients = [quick.connect() for _ in range(2 * quick.worker.cfg.threads)]
    for client in clients:
        client.sendall(start)
    while quick.worker._slow < len(clients):
        time.sleep(0.01)
    end = time.monotonic() + LONGEST
    while quick.worker._slow:
        assert quick.get("/") == b"0"
        for client in clients:
            with suppress(OSError):
                client.sendall(b"x")
        assert time.monotonic() < end, "they were never rejected"
        time.sleep(0.05)


@pytest.mark.parametrize("drip", [b"", b"x"], ids=["silent", "dripping"])
def test_stalled_large_bodies_yield_to_others(served: Harness, drip: bytes) -> None:
    """Three times as many as threads, with half a minute for each, and for each MiB."""
    stalled = [served.connect() for _ in range(3 * served.worker._slow_threads)]
    for client in stalled:
        client.sendall(LARGE + b"x" * MAX_AWAITED)
    while served.worker._slow < len(stalled):
        time.sleep(0.01)
    over = Event()

    def send() -> None:
        while not over.wait(0.1):
            for client in stalled:
                with suppress(OSError):
                    client.sendall(drip)

    with ThreadPoolExecutor(1) as pool:
        pool.submit(send)
        client = served.client()
        client.request("POST", "/", b"x" * 3 * MAX_AWAITED)
        assert client.getresponse().read() == str(3 * MAX_AWAITED).encode()
        over.set()


def test_stalled_body_keeps_its_timeout_if_no_request_waits(served: Harness) -> None:
    client = served.connect()
    client.sendall(LARGE + b"x" * MAX_AWAITED)
    client.settimeout(3)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(LONGEST)
    client.sendall(b"x" * (9_000_000 - MAX_AWAITED))
    assert response_of(client)[1] == b"9000000"


def test_progressing_body_keeps_its_thread(served: Harness) -> None:
    honest = served.connect()
    honest.sendall(LARGE + b"x" * MAX_AWAITED)
    stalled = [served.connect() for _ in range(3 * served.worker._slow_threads)]
    for client in stalled:
        client.sendall(LARGE + b"x" * MAX_AWAITED)
    for _ in range(40):  # 400 KiB/s; 35 are enough
        time.sleep(0.1)
        honest.sendall(b"x" * 40_960)
    honest.sendall(b"x" * (9_000_000 - MAX_AWAITED - 40 * 40_960))
    assert response_of(honest)[1] == b"9000000"


def test_health_check_with_a_body_does_not_block_others(served: Harness) -> None:
    held = [served.connect() for _ in range(4)]
    for client in held:
        client.sendall(
            b"GET /health/live HTTP/1.1\r\nHost: x\r\n"
            b"Expect: 100-continue\r\nContent-Length: 1000\r\n\r\n"
        )
    started = time.monotonic()
    client = served.connect()
    client.sendall(b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n")
    assert client.recv(12).startswith(b"HTTP/1.1")
    assert time.monotonic() - started < 4, "gunicorn waits five seconds for each unread body"


def test_large_chunked_body_arrives(served: Harness) -> None:
    client = served.client()
    pieces: Iterator[bytes] = iter([b"x" * MAX_AWAITED, b"y" * MAX_AWAITED, b"z"])
    client.request("POST", "/", pieces, encode_chunked=True)
    assert client.getresponse().read() == str(2 * MAX_AWAITED + 1).encode()


def test_clients_that_do_not_read_are_disconnected(quick: Harness) -> None:
    clients = [quick.connect() for _ in range(8)]
    for client in clients:
        client.sendall(b"GET /20000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert quick.get("/") == b"0", "they occupy every thread for a while"
    end = time.monotonic() + LONGEST
    while quick.worker.nr_conns > 1:
        assert time.monotonic() < end
        time.sleep(0.05)


def test_client_that_does_not_close_does_not_block_others(served: Harness) -> None:
    clients = [served.connect() for _ in range(50)]
    started = time.monotonic()
    for client in clients:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert client.recv(12) == b"HTTP/1.0 200"
    assert time.monotonic() - started < LONGEST / 4
    for client in clients:
        while client.recv(1 << 10):
            pass


@pytest.mark.parametrize(
    ("head", "status", "word"),
    [
        (b"nonsense\r\n\r\n", 400, "request line"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "request line"),
        (b"GET / HTTP/9.9\r\n\r\n", 400, "version"),
        (b"GET / HTTP/1.1\r\nContent-Length: abc\r\n\r\n", 400, "invalid header"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA b: c\r\n\r\n", 400, "name"),
        (b"GET / HTTP/1.1\r\nHost: x\r\nA: " + b"b" * 9000 + b"\r\n\r\n", 431, "headers"),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414, "request line"),
        (b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * (1 << 18), 431, "headers"),
        (b"POST / HTTP/1.1\r\nHost: x\r\nExpect: miracles\r\n\r\n", 417, "expectation failed"),
        (
            b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: x\r\n\r\n",
            501,
            "unsupported transfer coding",
        ),
    ],
    ids=lambda value: str(value)[:30],
)
def test_malformed_requests_get_problem_responses(
    served: Harness, head: bytes, status: int, word: str
) -> None:
    client = served.connect()
    client.sendall(head)
    assert_rejected(client, status, word)
    assert served.get("/") == b"0"


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (errors.InvalidHeader("Authorization: Basic c2VjcmV0"), 400),
        (errors.InvalidProxyLine("c2VjcmV0"), 400),
        (errors.ForbiddenProxyRequest("c2VjcmV0"), 403),
        (ssl.SSLError("c2VjcmV0"), 403),
        (errors.InvalidResponseHeader("c2VjcmV0"), 500),
        (ValueError("c2VjcmV0"), 500),
    ],
)
def test_error_status_distinguishes_client_and_server(error: Exception, status: int) -> None:
    response = error_response(error)
    assert response.startswith(b"HTTP/1.1 %d " % status)
    assert (CRASHED.encode() in response) == (status == 500)
    assert b"c2VjcmV0" not in response


def test_crash_below_the_application_is_logged_with_its_id(
    harness: Make, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> Iterable[bytes]:
        raise RuntimeError("a secret")

    client = harness(broken).start().connect()
    client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    response, body = response_of(client)
    assert response.status == 500
    assert b"secret" not in body
    assert json.loads(body)["request_id"] in caplog.text
    assert "a secret" in caplog.text


def test_server_header_has_no_version(served: Harness) -> None:
    client = http.client.HTTPConnection(*served.address, timeout=LONGEST)
    client.request("GET", "/")
    response = client.getresponse()
    assert not any(character.isdigit() for character in response.headers["Server"])
    client.close()


class TLS:
    """A TLS worker with short timeouts, and clients."""

    def __init__(self, harness: Harness, certificate: dict[str, str]) -> None:
        self.harness = harness
        self._context = ssl.create_default_context(cafile=certificate["certfile"])
        self._context.check_hostname = False

    def connect(self) -> ssl.SSLSocket:
        client = self._context.wrap_socket(socket.create_connection(self.harness.address, LONGEST))
        return self.harness.stack.enter_context(client)

    def get(self, path: str) -> bytes:
        with self.connect() as client:
            client.sendall(b"GET %s HTTP/1.0\r\n\r\n" % path.encode())
            return b"".join(iter(lambda: client.recv(1 << 16), b"")).partition(b"\r\n\r\n")[2]


@pytest.fixture
def tls(harness: Make, certificate: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> TLS:
    monkeypatch.setenv("MMF_CLIENT_TIMEOUT", "1")
    served = harness(app, **certificate)
    return TLS(served.start(), certificate)


def hello() -> bytes:
    """Return the first message of a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    with suppress(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(
            incoming, outgoing, server_hostname="x"
        ).do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("start", [b"", b"\x16", hello()[:100], hello()], ids=len)
def test_stalled_handshakes_do_not_block_others(tls: TLS, start: bytes) -> None:
    clients = [tls.harness.connect() for _ in range(4 * tls.harness.worker.cfg.threads)]
    for client in clients:
        client.sendall(start)
    started = time.monotonic()
    assert tls.get("/health/live"), "a response"
    assert tls.get("/") == b"0"
    assert time.monotonic() - started < 1
    if start:
        for client in clients:
            while client.recv(1 << 12):
                pass


@pytest.mark.parametrize(
    "start", [b"GET", LARGE, LARGE + b"x" * MAX_AWAITED], ids=["head", "body", "large body"]
)
def test_slow_requests_over_tls_do_not_block_others(tls: TLS, start: bytes) -> None:
    clients = [tls.connect() for _ in range(2 * tls.harness.worker.cfg.threads)]
    for client in clients:
        client.sendall(start)
    assert tls.get("/") == b"0"
    for client in clients:
        assert client.recv(12) == b"HTTP/1.1 408"


@pytest.mark.parametrize("kind", ["quick", "tls"])
def test_slowly_reading_clients_do_not_hold_threads(
    kind: str, request: pytest.FixtureRequest
) -> None:
    """The client keeps reading, but too slowly."""
    served = request.getfixturevalue(kind)
    harness = served.harness if kind == "tls" else served
    clients = [served.connect() for _ in range(harness.worker.cfg.threads)]
    for client in clients:
        client.sendall(b"GET /20000000 HTTP/1.1\r\nHost: x\r\n\r\n")
    over = Event()

    def drip() -> None:
        while not over.wait(0.25):
            for client in clients:
                with suppress(OSError):
                    client.recv(100_000)  # enough for the kernel to request more

    with ThreadPoolExecutor(1) as pool:
        pool.submit(drip)
        try:
            started = time.monotonic()
            assert served.get("/") == b"0"
            assert time.monotonic() - started < LONGEST / 2
        finally:
            over.set()


def test_large_response_has_a_proportional_timeout(quick: Harness) -> None:
    """A client that reads each MiB within its timeout gets everything."""
    client, size = quick.connect(), 12_000_000
    client.sendall(f"GET /{size} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    received, started = 0, time.monotonic()
    while received < size:
        data = client.recv(1 << 18)
        assert data
        received += len(data)
        time.sleep(max(0, started + 0.3 * received / MIB - time.monotonic()))
    assert time.monotonic() - started > 2


def test_plain_http_on_a_tls_port_is_closed(tls: TLS, caplog: pytest.LogCaptureFixture) -> None:
    for data in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01\x00\x05hello"):
        client = tls.harness.connect()
        client.sendall(data)
        with suppress(ConnectionResetError):
            while client.recv(1 << 10):
                pass
    assert tls.get("/") == b"0"
    assert "Traceback" not in caplog.text
