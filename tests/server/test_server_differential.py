"""The same bytes to gunicorn's gthread and to our worker: same statuses, requests and closes.

Error bodies and headers are ours. Known defects of gthread:

- a request whose client sends only its head blocks a thread forever; ours ends
  it by MMF_CLIENT_TIMEOUT (test_server_slow_clients.py);
- a second request within one TLS record of more than 8 KiB waits for more bytes;
- a malformed header before a missing body is rejected only after the body's timeout.
"""

import socket
import ssl
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import Any

import pytest
from gunicorn.workers.gthread import ThreadWorker
from harness import LONGEST, Harness, closing

import mmf_core.web.middleware  # noqa: F401 - what an error response needs, as in a service
from mmf_core.server import Worker

SETTLED = 0.5  # seconds without a byte after which a response is complete
PAUSE = 0.1  # seconds between two pieces of a request

POST = b"POST / HTTP/1.1\r\nHost: x\r\n"
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
LENGTH = b"Content-Length: "
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"5\r\nhello\r\n0\r\n\r\n"
EXPECT = b"Expect: 100-continue\r\n"


def post(*lines: bytes, body: bytes = b"", version: bytes = b"1.1", path: bytes = b"/") -> bytes:
    head = b"POST " + path + b" HTTP/" + version + b"\r\nHost: x\r\n"
    return head + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


LENGTHS = (
    b"5",
    b"00000000100",
    b"+5",
    b"5,5",
    b"5, 6",
    b"-1",
    b"0x5",
    b" 5 ",
    b"",
    b"5 5",
    b"9" * 5000,
)
CODINGS = (
    *(b"chunked", b"Chunked", b" chunked", b"\x0bchunked", b"chunked, chunked", b"identity"),
    *(b"gzip, chunked", b"xchunked", b"chunked;q=1", b'"chunked"', b""),
)
CHUNKS = {
    "good": BODY,
    "trailers": b"5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    "a bad trailer": b"5\r\nhello\r\n0\r\nX Sum: 1\r\n\r\n",
    "extension": b"5;name=value\r\nhello\r\n0;last\r\n\r\n",
    "a bad extension": b"5;na\nme\r\nhello\r\n0\r\n\r\n",
    "leading zeros": b"0005\r\nhello\r\n000\r\n\r\n",
    "no hexadecimal": b"5g\r\nhello\r\n0\r\n\r\n",
    "signed": b"+5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"0_5\r\nhello\r\n0\r\n\r\n",
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "too short": b"6\r\nhello\r\n0\r\n\r\n",
    "too long": b"4\r\nhello\r\n0\r\n\r\n",
    "line feeds": b"5\nhello\n0\n\n",
    "empty": b"0\r\n\r\n",
    "many": b"1\r\nx\r\n" * 3000 + b"0\r\n\r\n",
}
CASES: dict[str, bytes | list[bytes]] = {
    "get": GET,
    "pipelined": GET * 5,
    "pipelined bodies": post(LENGTH + b"5", body=b"hello") * 3 + GET,
    "pipelined chunks": post(CHUNKED[:-2], body=BODY) * 3 + GET,
    "pipelined after an error": b"nonsense\r\n\r\n" + GET,
    "pipelined after a body that is not read": b"POST /ignore HTTP/1.1\r\nHost: x\r\n"
    b"Content-Length: 5\r\n\r\nhello" + GET,
    "pipelined, and half a request": GET + GET[:20],
    "pipelined chunks, and half a request": post(CHUNKED[:-2], body=BODY) + GET[:20],
    "http/1.0": b"GET / HTTP/1.0\r\n\r\n",
    "http/1.0 keep-alive": b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" * 2,
    "http/1.0 pipelined": b"GET / HTTP/1.0\r\n\r\n" * 2,
    "http/1.0 chunked": post(CHUNKED[:-2], body=BODY, version=b"1.0"),
    "http/1.1 close": b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" + GET,
    "http/2.0": b"GET / HTTP/2.0\r\nHost: x\r\n\r\n",
    "http/0.9": b"GET /\r\n\r\n",
    "http/2 preface": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "both lengths": post(LENGTH + b"5", CHUNKED[:-2], body=BODY) + GET,
    "both lengths, the other way round": post(CHUNKED[:-2], LENGTH + b"5", body=BODY) + GET,
    "two lengths": post(LENGTH + b"5", LENGTH + b"6", body=b"hello!") + GET,
    "the same length twice": post(LENGTH + b"5", LENGTH + b"5", body=b"hello") + GET,
    "two codings": post(CHUNKED[:-2], b"Transfer-Encoding: identity", body=BODY) + GET,
    "space before the colon": post(b"Content-Length : 5", body=b"hello") + GET,
    "coding with a space before the colon": post(b"Transfer-Encoding : chunked", body=BODY) + GET,
    "underscore": post(b"Content_Length: 5", body=b"hello") + GET,
    "folded": post(b"X-Long: 1", b" 2", body=b"") + GET,
    "folded length": post(b"Content-Length:", b" 5", body=b"hello") + GET,
    "line feeds alone": b"GET / HTTP/1.1\nHost: x\n\n",
    "a line feed in the head": b"POST / HTTP/1.1\r\nHost: x\nContent-Length: 5\r\n\r\nhello" + GET,
    "a carriage return in a value": post(b"X: a\rb") + GET,
    "a zero in a value": post(b"X: a\0b") + GET,
    "empty lines before": b"\r\n\r\n" + GET,
    "no name": post(b": value") + GET,
    "absolute": b"GET http://y/ HTTP/1.1\r\nHost: x\r\n\r\n",
    "asterisk": b"OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
    "connect": b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    "lower case": b"get / HTTP/1.1\r\nHost: x\r\n\r\n",
    "no host": b"GET / HTTP/1.1\r\n\r\n",
    "two hosts": b"GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    "not ascii": b"GET /\xc3\xa9 HTTP/1.1\r\nHost: x\r\n\r\n",
    "proxy protocol": b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n" + GET,
    "long line": b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "endless line": b"GET /" + b"a" * 9000,
    "long header": post(b"X: " + b"a" * 9000),
    "a hundred headers": post(*[b"X: 1"] * 99),
    "too many headers": post(*[b"X: 1"] * 200),
    "600 Expect headers": post(*[EXPECT[:-2]] * 600, LENGTH + b"1", body=b"1"),
    "endless head": POST + b"X: 1\r\n" * 200_000,
    "expect": [post(EXPECT[:-2], LENGTH + b"5"), b"hello"],
    "expect, the body at once": post(EXPECT[:-2], LENGTH + b"5", body=b"hello") + GET,
    "expect of http/1.0": post(EXPECT[:-2], LENGTH + b"5", body=b"hello", version=b"1.0"),
    "expect what cannot be": post(b"Expect: miracles", LENGTH + b"5", body=b"hello"),
    "expect of an ignored body": b"POST /ignore HTTP/1.1\r\nHost: x\r\n"
    + EXPECT
    + b"Content-Length: 5\r\n\r\n",
    "expect and chunks": [post(EXPECT[:-2], CHUNKED[:-2]), BODY],
    "slow head": [GET[index : index + 4] for index in range(0, len(GET), 4)],
    "slow body": [post(LENGTH + b"5"), b"he", b"llo"],
    "slow body of a slow head": [POST, LENGTH, b"5\r\n\r", b"\nhel", b"lo" + GET],
    "slow chunks": [post(CHUNKED[:-2]), b"5\r\nhe", b"llo\r", b"\n0\r\n", b"\r\n" + GET],
    "slow leading zeros": [post(LENGTH + b"00000000005"), b"he", b"llo"],
    "large body": post(LENGTH + b"3000000", body=b"x" * 3_000_000) + GET,
    "large body that is not read": post(
        LENGTH + b"3000000", body=b"x" * 3_000_000, path=b"/ignore"
    ),
    "early hints": b"GET /hints HTTP/1.1\r\nHost: x\r\n\r\n",
    "no response body": b"HEAD / HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    "not modified": b"GET /304 HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    "no length": b"GET /parts HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    "no length for http/1.0": b"GET /parts HTTP/1.0\r\n\r\n",
    "the application fails": b"GET /fail HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    "the application fails late": b"GET /late HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    "a response header that cannot be": b"GET /header HTTP/1.1\r\nHost: x\r\n\r\n" + GET,
    **{f"length {value[:12]!r}": post(LENGTH + value, body=b"hello") + GET for value in LENGTHS},
    **{
        f"coding {value!r}": post(b"Transfer-Encoding: " + value, body=BODY) + GET
        for value in CODINGS
    },
    **{f"chunks, {name}": post(CHUNKED[:-2], body=body) + GET for name, body in CHUNKS.items()},
}


class App:
    """A small application that notes the requests of each client, by the client's port."""

    def __init__(self) -> None:
        self.requests: dict[str, list[str]] = defaultdict(list)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        requests = self.requests[environ["REMOTE_PORT"]]
        requests.append(f"{method} {path}")
        if path == "/hints":
            environ["wsgi.early_hints"]([("Link", "</a>; rel=preload")])
        if path == "/fail":
            raise RuntimeError("a secret")
        if path != "/ignore":
            requests[-1] += f" {len(environ['wsgi.input'].read())}"
        body = requests[-1].encode("latin-1", "replace")
        headers = [("Content-Length", str(len(body)))]
        match path:
            case "/304":
                start_response("304 Not Modified", [])
                return []
            case "/parts":
                headers = []
            case "/header":
                headers = [("X", "a\r\nb")]
        start_response("200 OK", headers)
        return self.late() if path == "/late" else [body[:1], body[1:]]

    @staticmethod
    def late() -> Iterator[bytes]:
        yield b"x"
        raise RuntimeError("late")


@dataclass
class Service:
    """A worker and the application behind it."""

    harness: Harness
    app: App
    connect: Callable[[socket.socket], socket.socket] = lambda sock: sock

    def send(
        self, pieces: bytes | list[bytes], *, half_closed: bool, settled: float = SETTLED
    ) -> tuple[Any, ...]:
        """Return the statuses, whether the connection was closed, and the requests received."""
        with self.connect(socket.create_connection(self.harness.address, LONGEST)) as client:
            port = str(client.getsockname()[1])
            with suppress(OSError):  # the service may reject before everything is sent
                for number, piece in enumerate([pieces] if isinstance(pieces, bytes) else pieces):
                    time.sleep(PAUSE if number else 0)
                    client.sendall(piece)
                if half_closed:
                    client.shutdown(socket.SHUT_WR)
            received, closed = _received(client, settled)
        return _statuses(received), closed, self.app.requests[port]


def _received(client: socket.socket, settled: float) -> tuple[bytes, bool]:
    received = b""
    client.settimeout(settled)
    try:
        while data := client.recv(1 << 16):
            received += data
    except TimeoutError:
        return received, False
    except OSError:
        pass
    return received, True


def _statuses(received: bytes) -> list[int]:
    return [int(line[9:12]) for line in received.split(b"\n") if line.startswith(b"HTTP/1.")]


@pytest.fixture(scope="module")
def services() -> Iterator[list[Service]]:
    """Yield gunicorn's worker and ours, with the same application."""
    with ExitStack() as stack:
        yield [_service(stack, worker) for worker in (ThreadWorker, Worker)]


def _service(stack: ExitStack, worker: type[ThreadWorker], **settings: Any) -> Service:
    app = App()
    harness = stack.enter_context(closing(Harness(app, worker, threads=64, **settings)))
    return Service(harness.start(), app)


@pytest.fixture(scope="module")
def tls_services(certificate: dict[str, str]) -> Iterator[list[Service]]:
    """Yield both with TLS."""
    context = ssl.create_default_context(cafile=certificate["certfile"])
    context.check_hostname = False
    with ExitStack() as stack:
        services = [_service(stack, worker, **certificate) for worker in (ThreadWorker, Worker)]
        for service in services:
            service.connect = context.wrap_socket
        yield services


@pytest.fixture(scope="module")
def outcomes(services: list[Service]) -> dict[tuple[str, bool], list[Any]]:
    """Return the responses of both to each case, run concurrently, as most of it is waiting."""
    with ThreadPoolExecutor(24) as threads:
        futures = {
            (name, half_closed): [
                threads.submit(service.send, case, half_closed=half_closed) for service in services
            ]
            for name, case in CASES.items()
            for half_closed in (True, False)
        }
        return {key: [future.result() for future in pair] for key, pair in futures.items()}


@pytest.mark.parametrize("half_closed", [True, False], ids=["half-closed", "open"])
@pytest.mark.parametrize("name", CASES)
def test_bytes_have_the_same_outcome(
    services: list[Service],
    outcomes: dict[tuple[str, bool], list[Any]],
    name: str,
    half_closed: bool,
) -> None:
    gthread, ours = outcomes[name, half_closed]
    if ours != gthread:  # on a busy machine a response may arrive after SETTLED
        gthread, ours = (
            service.send(CASES[name], half_closed=half_closed, settled=LONGEST / 4)
            for service in services
        )
    assert ours == gthread


TLS = (
    *("get", "pipelined", "pipelined bodies", "expect", "slow head", "slow body", "slow chunks"),
    *("large body", "http/1.0", "both lengths", "long header", "the application fails"),
)


def test_bytes_have_the_same_outcome_over_tls(tls_services: list[Service]) -> None:
    with ThreadPoolExecutor(2 * len(TLS)) as threads:
        futures = [
            [
                threads.submit(service.send, CASES[name], half_closed=False, settled=2)
                for name in TLS
            ]
            for service in tls_services
        ]
        gthread, ours = [[future.result() for future in case] for case in futures]
    assert dict(zip(TLS, ours, strict=True)) == dict(zip(TLS, gthread, strict=True))
    assert gthread[0] == ([200], False, ["GET / 0"])
