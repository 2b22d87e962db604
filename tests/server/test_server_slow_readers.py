"""Clients that ask for much and read little: they cost memory, up to a bound, and no thread."""

import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse, IncompleteRead
from typing import Any

import pytest
from harness import LONGEST, Harness

from mmf_core.server import clients, wires
from mmf_core.server.wires import Wire

Make = Callable[..., Harness]
LARGE = 8_000_000


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    """Answer with so many digits, in one part or in some of a million."""
    length, _, parts = environ["PATH_INFO"].strip("/").partition("/")
    body = digits(int(length))
    start_response("200 OK", [("Content-Length", str(len(body)))])
    if not parts:
        return [body]
    return [body[begin : begin + 1_000_000] for begin in range(0, len(body), 1_000_000)]


def digits(length: int) -> bytes:
    return b"0123456789" * (length // 10)


@pytest.fixture
def served(harness: Make) -> Harness:
    return harness(app, threads=2).start()


def ask(served: Harness, path: str = f"/{LARGE}", more: bytes = b"") -> socket.socket:
    """Ask for a large answer, and read none of it."""
    client = served.connect()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 17)
    client.sendall(b"GET " + path.encode() + b" HTTP/1.1\r\nHost: x\r\n" + more + b"\r\n")
    return client


def body_of(client: socket.socket) -> bytes:
    response = HTTPResponse(client)
    response.begin()
    return response.read()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("path", [f"/{LARGE}", f"/{LARGE}/parts"])
def test_who_reads_later_gets_all(served: Harness, path: str) -> None:
    client = ask(served, path)
    time.sleep(0.2)
    assert body_of(client) == digits(LARGE)
    client.sendall(b"GET /10 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert body_of(client) == b"0123456789", "the connection can be used again"


def test_readers_take_no_threads(served: Harness) -> None:
    slow = [ask(served) for _ in range(6)]
    wait_for(lambda: len(served.worker.clients.unread) == 6)
    assert served.ask("/10") == b"0123456789"
    for client in slow:
        assert body_of(client) == digits(LARGE)
    assert not served.worker.clients.unread


def test_what_is_sent_meanwhile_waits_its_turn(served: Harness) -> None:
    client = ask(served)
    wait_for(lambda: bool(served.worker.clients.unread))
    client.sendall(b"GET /20 HTTP/1.1\r\nHost: x\r\n\r\n")
    assert served.ask("/10") == b"0123456789"
    received = b""
    while received.count(b"HTTP/1.1 200 OK") < 2 or not received.endswith(b"\r\n\r\n" + digits(20)):
        received += client.recv(1 << 20)
    assert digits(LARGE) + b"HTTP/1.1 200 OK" in received


def test_a_last_answer_is_read_whole(served: Harness) -> None:
    client = ask(served, more=b"Connection: close\r\n")
    wait_for(lambda: bool(served.worker.clients.unread))
    assert body_of(client) == digits(LARGE)
    assert client.recv(1) == b""


def test_a_worker_that_ends_waits_for_its_readers(served: Harness) -> None:
    client = ask(served)
    wait_for(lambda: bool(served.worker.clients.unread))
    served.worker.handle_exit(0, None)
    wait_for(lambda: not served.worker.sockets)
    assert body_of(client) == digits(LARGE)


def test_who_reads_nothing_is_hung_up(harness: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_CLIENT_TIMEOUT", "0.1")
    served = harness(app, threads=2).start()
    ask(served)
    wait_for(lambda: not served.worker.clients.count)


def test_a_client_that_has_gone_is_forgotten(served: Harness) -> None:
    client = ask(served)
    wait_for(lambda: bool(served.worker.clients.unread))
    client.close()
    wait_for(lambda: not served.worker.clients.count)
    assert not served.worker.clients.unread
    assert served.ask("/10") == b"0123456789"


def test_unread_answers_have_a_bound(served: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clients, "MOST_UNREAD", LARGE * 5 // 2)
    slow = []
    for _ in range(5):
        slow.append(ask(served))
        wait_for(lambda: slow[-1].getsockname() in unread(served))
    first, *_, last = slow
    assert body_of(last) == digits(LARGE)
    with pytest.raises((ConnectionResetError, IncompleteRead)):
        body_of(first)
    assert served.ask("/10") == b"0123456789"


def unread(served: Harness) -> set[Any]:
    return {one.client for one in list(served.worker.clients.unread)}


def test_a_part_waits_for_the_one_before() -> None:
    ours, theirs = socket.socketpair()
    with Wire.of(ours) as wire, theirs, ThreadPoolExecutor(1) as threads:
        theirs.settimeout(LONGEST)
        data = digits(3_000_000)
        wire.sendall(data)
        assert wire.rest
        sending = threads.submit(wire.sendall, b"end")
        received = b""
        while len(received) < len(data) + 3:
            received += theirs.recv(1 << 20)
        assert received == data + b"end"
        assert sending.result(LONGEST) is None


def test_who_is_late_with_every_part_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = socket.socketpair()
    with Wire.of(ours, 0.2) as wire, theirs:
        monkeypatch.setattr(wires, "_MIB", 1 << 60)
        monkeypatch.setattr(Wire, "send", lambda *_: time.sleep(0.05) or 1)
        wire.sendall(b"x" * 1000)
        with pytest.raises(BrokenPipeError, match="in time"):
            wire.sendall(b"more")


def test_who_reads_none_of_a_part_is_given_up() -> None:
    ours, theirs = socket.socketpair()
    with Wire.of(ours, 0.1) as wire, theirs:
        wire.sendall(digits(10_000_000))
        with pytest.raises(BrokenPipeError, match="does not read"):
            wire.sendall(b"more")
