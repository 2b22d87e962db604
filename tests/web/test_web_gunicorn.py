"""The service over a real gunicorn, with the project's gunicorn.conf.py."""

import http.client
import json
import socket
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
import requests

from error_shape import assert_problem
from services import Service, serve

MIB = 1024 * 1024
CHUNK = b"\0" * MIB
TOO_MUCH = 60
BOUNDARY = "the-boundary"
OPENING = (
    f"--{BOUNDARY}\r\n"
    'Content-Disposition: form-data; name="file"; filename="big.bin"\r\n'
    "Content-Type: application/octet-stream\r\n\r\n"
).encode()
CLOSING = f"\r\n--{BOUNDARY}--\r\n".encode()
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


@dataclass
class Response:
    """A response, read by any client."""

    status_code: int
    headers: Message
    data: bytes = field(repr=False)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service with two workers and default settings."""
    folder = tmp_path_factory.mktemp("gunicorn")
    with (folder / "log").open("wb") as log, serve("gunicorn", folder, log) as running:
        yield running
    print((folder / "log").read_text())


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of 60 MiB."""
    file = tmp_path_factory.mktemp("big") / "big.bin"
    with file.open("wb") as stream:
        stream.truncate(TOO_MUCH * MIB)
    return file


@pytest.fixture
def connection(service: Service) -> Iterator[http.client.HTTPConnection]:
    """Yield a connection that is kept alive."""
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    yield connection
    connection.close()


def chunks() -> Iterator[bytes]:
    for _ in range(TOO_MUCH):
        yield CHUNK


def by_requests(service: Service, how: str, big: Path) -> Any:
    url = f"{service.url}/size"
    with requests.Session() as session, big.open("rb") as file:
        match how:
            case "length":
                return session.post(url, data=file, timeout=30)
            case "chunked":
                return session.post(url, data=chunks(), timeout=30)
            case _:
                return session.post(url, files={"file": file}, timeout=30)


def by_http_client(service: Service, how: str, _big: Path) -> Response:
    body: Any = iter(chunks())
    headers = {"Content-Length": str(TOO_MUCH * MIB)}
    if how == "chunked":
        headers = {"Transfer-Encoding": "chunked"}
    elif how == "multipart":
        body = iter([OPENING, *chunks(), CLOSING])
        length = TOO_MUCH * MIB + len(OPENING) + len(CLOSING)
        headers = {"Content-Length": str(length), "Content-Type": MULTIPART}
    connection = http.client.HTTPConnection("127.0.0.1", service.port, timeout=30)
    try:
        connection.request("POST", "/size", body, headers, encode_chunked=how == "chunked")
        response = connection.getresponse()
        return Response(response.status, response.headers, response.read())
    finally:
        connection.close()


def by_curl(service: Service, how: str, big: Path) -> Response:
    options = ["--data-binary", f"@{big}", "-H", "Content-Type: application/octet-stream"]
    if how == "chunked":
        options += ["-H", "Transfer-Encoding: chunked"]
    elif how == "multipart":
        options = ["-F", f"file=@{big}"]
    # No interim response, so that the only head is that of the response.
    options += ["-H", "Expect:", "--silent", "--show-error", "--max-time", "30", "--dump-header"]
    done = subprocess.run(
        ["curl", *options, "/dev/stderr", f"{service.url}/size"],
        capture_output=True,
        check=False,
        timeout=40,
    )
    assert done.returncode == 0, done.stderr
    status, _, head = done.stderr.partition(b"\r\n")
    headers = http.client.parse_headers(io_of(head))
    return Response(int(status.split()[1]), headers, done.stdout)


def io_of(data: bytes) -> Any:
    from io import BytesIO

    return BytesIO(data)


@pytest.mark.parametrize("how", ["length", "chunked", "multipart"])
@pytest.mark.parametrize("post", [by_requests, by_http_client, by_curl])
def test_body_over_the_limit(
    service: Service, big: Path, post: Callable[[Service, str, Path], Any], how: str
) -> None:
    response = post(service, how, big)
    assert_problem(response, 413, "50 MiB", "MMF_MAX_BODY_MIB", path="/size")
    after = requests.post(f"{service.url}/size", data=b"123", timeout=30)
    assert after.json() == {"result": 3}


@pytest.mark.parametrize("how", ["length", "chunked", "multipart"])
def test_large_body_arrives_complete(service: Service, how: str) -> None:
    size = 20 * MIB
    match how:
        case "length":
            content: dict[str, Any] = {"data": b"x" * size}
        case "chunked":
            content = {"data": iter([CHUNK] * 20)}
        case _:
            content = {"files": {"file": b"x" * size}}
    response = requests.post(f"{service.url}/size", timeout=30, **content)
    assert response.json() == {"result": size}


def test_connection_is_kept_after_errors(connection: http.client.HTTPConnection) -> None:
    questions = [
        ("POST", "/nothing", b"x" * MIB, 404),
        ("PUT", "/size", b"x" * MIB, 405),
        ("POST", "/size?format=png", b"x" * MIB, 406),
        ("POST", "/echo", b"{", 415),
        ("POST", "/echo", b"", 400),
        ("POST", "/broken", b"", 500),
        ("GET", "/nothing", None, 404),
        ("POST", "/size", b"x" * 51 * MIB, 413),
        ("POST", "/size", b"x" * 10, 200),
    ]
    connection.connect()
    socket_used = connection.sock
    for method, path, body, status in questions:
        connection.request(method, path, body)
        response = connection.getresponse()
        received = Response(response.status, response.headers, response.read())
        if status >= 400:
            assert_problem(received, status)
        assert received.status_code == status
        assert connection.sock is socket_used, f"closed after {method} {path}"
    assert received.data == b'{"result":10}'


@pytest.mark.parametrize(
    ("path", "status"),
    [
        *(("/health/live", 200), ("/health/ready", 200), ("/ping", 200), ("/health", 200)),
        *(("/version", 200), ("/size", 200), ("/nothing", 404)),
    ],
)
def test_head_has_no_body_and_keeps_the_connection(
    connection: http.client.HTTPConnection, path: str, status: int
) -> None:
    for _ in range(2):
        connection.request("HEAD", path)
        response = connection.getresponse()
        assert (response.status, response.read()) == (status, b"")
        assert int(response.headers["Content-Length"]) > 0
        assert response.headers["X-Request-ID"]


def test_fifty_concurrent_requests(service: Service) -> None:
    def post(place: int) -> tuple[str, str]:
        headers = {"X-Request-ID": f"request-{place}"}
        response = requests.post(
            f"{service.url}/echo", json=f"текст {place}", headers=headers, timeout=30
        )
        return response.headers["X-Request-ID"], response.json()["result"]

    with ThreadPoolExecutor(50) as pool:
        responses = list(pool.map(post, range(50)))
    assert responses == [(f"request-{place}", f"текст {place}") for place in range(50)]


def test_unicode_file_name_in_the_response(service: Service) -> None:
    response = requests.post(f"{service.url}/имя", data=b"abc", timeout=30)
    assert (response.status_code, response.content) == (200, b"abc")
    name = "%D0%B8%D0%BC%D1%8F.bin"
    assert f"filename*=UTF-8''{name}" in response.headers["Content-Disposition"]


def raw(service: Service, data: bytes) -> Response:
    """Send raw bytes, then close the sending side."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=20) as connection:
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        response = http.client.HTTPResponse(connection, method="POST")
        response.begin()
        received = Response(response.status, response.headers, response.read())
        response.close()
        return received


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"Content-Length: 10", b"abc"),
        (b"Transfer-Encoding: chunked", b"5\r\nabc"),
        (b"Transfer-Encoding: chunked", b"3\r\nabc\r\n"),
        (b"Transfer-Encoding: chunked", b"ZZ\r\nabc\r\n0\r\n\r\n"),
        (b"Transfer-Encoding: chunked", b"-1\r\nabc\r\n0\r\n\r\n"),
    ],
)
def test_truncated_body_is_400(service: Service, head: bytes, body: bytes) -> None:
    start = b"POST /size HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
    assert_problem(raw(service, start + head + b"\r\n\r\n" + body), 400, "body")
    assert requests.get(f"{service.url}/health/live", timeout=30).status_code == 200


def test_double_slashes_do_not_redirect_to_html(service: Service) -> None:
    """Nor to another host, as //host/path would."""
    response = raw(
        service,
        b"GET //example.com/%2e%2e HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    )
    assert_problem(response, 404)
    response = raw(
        service, b"GET /health//live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )
    assert b"<html" not in response.data.lower()


def test_worker_survives_errors(service: Service) -> None:
    responses = [requests.post(f"{service.url}/broken", timeout=30) for _ in range(5)]
    for response in responses:
        assert_problem(response, 500)
        assert "secret" not in response.text
    assert json.loads(requests.post(f"{service.url}/echo", json="x", timeout=30).text)
