"""The worker: one thread answers what is quick, and nothing that is slow holds the others up."""

import http.client
import socket
import struct
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident
from typing import Any

import pytest
from harness import LONGEST, Harness, answer

from mmf_core.server import worker as module
from mmf_core.server.connections import LARGEST
from mmf_core.server.leads import Lead
from mmf_core.turns import step_aside

Make = Callable[..., Harness]


class App:
    """An application whose requests can be held, and which notes what it did."""

    def __init__(self) -> None:
        self.gate = Event()
        self.inside = 0
        self.threads: list[int] = []
        self.notes: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        self.threads.append(get_ident())
        body = environ["wsgi.input"].read() or path.encode()
        match path:
            case "/wait":
                self.inside += 1
                assert self.gate.wait(LONGEST)
            case "/compute":
                self.inside += 1
                while not self.gate.is_set():
                    sum(range(1000))
            case "/nap":
                time.sleep(0.004)
            case "/aside" | "/aside/again":
                self.notes.append(f"{body.decode()} arrives")
                step_aside()
                self.notes.append(f"{body.decode()} goes on")
            case "/stream":
                start_response("200 OK", [("Content-Type", "text/plain")])
                return iter([b"one", b"two"])
            case "/nothing":
                start_response("204 No Content", [])
                return []
            case "/unread":
                body = b""
            case "/exit":
                raise SystemExit("by the author")
            case _:
                pass
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]

    def wait_for(self, count: int) -> None:
        """Return when so many requests are held."""
        end = time.monotonic() + LONGEST
        while self.inside < count:
            assert time.monotonic() < end
            time.sleep(0.005)


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    yield app
    app.gate.set()


@pytest.fixture
def served(app: App, harness: Make) -> Harness:
    return harness(app).start()


def gone(served: Harness) -> bool:
    """Tell whether the worker forgets all connections, in time."""
    end = time.monotonic() + LONGEST
    while served.worker.clients.count and time.monotonic() < end:
        time.sleep(0.01)
    return served.worker.clients.count == 0


def test_one_thread_answers_what_is_quick(served: Harness, app: App) -> None:
    client = served.client()
    for number in range(20):
        assert answer(client, "/", f"{number}".encode()) == f"{number}".encode()
    assert len(set(app.threads)) == 1


def test_a_kept_connection_is_used_again_and_forgotten_when_it_ends(served: Harness) -> None:
    client = served.client()
    client.connect()
    number = client.sock.getsockname()
    answer(client, "/")
    answer(client, "/", b"x")
    assert client.sock.getsockname() == number
    client.close()
    assert gone(served)


@pytest.mark.parametrize("how", ["/wait", "/compute"])
def test_others_are_answered_beside_a_slow_request(served: Harness, app: App, how: str) -> None:
    client = served.client()
    with ThreadPoolExecutor(1) as threads:
        slow = threads.submit(answer, client, how)
        app.wait_for(1)
        for _ in range(5):
            assert served.ask("/quick") == b"/quick"
        assert not slow.done()
        app.gate.set()
        assert slow.result(LONGEST) == how.encode()
    assert answer(client, "/again") == b"/again"


def test_as_many_as_there_are_threads_may_be_slow(served: Harness, app: App) -> None:
    with ThreadPoolExecutor(4) as threads:
        slow = [threads.submit(served.ask, "/wait") for _ in range(4)]
        app.wait_for(4)
        assert served.ask("/quick") == b"/quick"
        app.gate.set()
        assert [one.result(LONGEST) for one in slow] == [b"/wait"] * 4
    assert len(set(app.threads)) == 5


def test_what_often_waits_gets_a_thread_at_once(served: Harness, app: App) -> None:
    client = served.client()
    for _ in range(20):
        answer(client, "/nap")
    assert len(set(app.threads)) > 1
    assert served.ask("/quick") == b"/quick"


def test_more_slow_ones_wait_for_a_thread(served: Harness, app: App) -> None:
    with ThreadPoolExecutor(8) as threads:
        slow = [threads.submit(served.ask, "/wait") for _ in range(8)]
        app.wait_for(5)
        app.gate.set()
        assert [one.result(LONGEST) for one in slow] == [b"/wait"] * 8


def test_a_client_that_leaves_a_slow_request_is_missed_by_nobody(served: Harness, app: App) -> None:
    client = served.connect()
    client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    app.wait_for(1)
    client.close()
    assert served.ask("/quick") == b"/quick"
    app.gate.set()
    assert served.ask("/quick") == b"/quick"


def test_a_slow_request_may_be_followed_before_it_is_answered(served: Harness, app: App) -> None:
    client = served.connect()
    client.sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    app.wait_for(1)
    client.sendall(b"GET /second HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert served.ask("/quick") == b"/quick"
    app.gate.set()
    assert everything(client).endswith(b"/second")


def everything(client: socket.socket) -> bytes:
    return b"".join(iter(lambda: client.recv(65536), b""))


def test_requests_in_one_packet_are_answered_in_order(served: Harness) -> None:
    client = served.connect()
    first = b"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    client.sendall(first + b"GET /b HTTP/1.1\r\nHost: x\r\n\r\n" + last)
    bodies = [part.rpartition(b"\r\n\r\n")[2] for part in everything(client).split(b"HTTP/1.1 ")]
    assert bodies[1:] == [b"abc", b"/b", b"/c"]


def test_a_request_may_arrive_in_pieces(served: Harness, app: App) -> None:
    client = served.connect()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for piece in (
        b"POST / HT",
        b"TP/1.1\r\nHost: x\r\nContent-",
        b"Length: 4\r\n\r",
        b"\nab",
        b"cd",
    ):
        client.sendall(piece)
        assert served.ask("/quick") == b"/quick"
    assert client.recv(1000).endswith(b"\r\n\r\nabcd")
    assert len(set(app.threads)) == 1


@pytest.mark.parametrize("size", [LARGEST - 1, LARGEST, 3 * LARGEST])
def test_bodies_of_every_size_come_through(served: Harness, size: int) -> None:
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    assert served.ask("/", body) == body


def test_a_body_of_unknown_length_comes_through(served: Harness) -> None:
    client = served.client()
    client.request("POST", "/", iter([b"ab", b"cd"]), encode_chunked=True)
    assert client.getresponse().read() == b"abcd"
    assert answer(client, "/again") == b"/again"


def test_a_client_is_told_to_go_on(served: Harness) -> None:
    client = served.connect()
    client.sendall(
        b"POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n"
    )
    assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"ab")
    assert client.recv(1000).endswith(b"\r\n\r\nab")


def test_answers_without_a_length_and_without_a_body(served: Harness) -> None:
    client = served.client()
    assert answer(client, "/stream") == b"onetwo"
    client.request("GET", "/nothing")
    response = client.getresponse()
    assert (response.status, response.read()) == (204, b"")
    assert answer(client, "/unread", b"x" * 1000) == b""
    assert answer(client, "/again") == b"/again"


@pytest.mark.parametrize("path", ["/exit", "/\x01"])
def test_what_fails_is_answered_and_the_worker_goes_on(served: Harness, path: str) -> None:
    client = served.connect()
    client.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    everything(client)
    assert served.ask("/quick") == b"/quick"


def test_a_connection_that_is_not_kept_is_closed_when_the_client_has_read(served: Harness) -> None:
    client = served.connect()
    client.sendall(b"GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\nand more")
    assert everything(client).endswith(b"/last")
    client.sendall(b"x")
    client.close()
    assert gone(served)


def test_connections_that_come_together_are_taken_together(app: App, harness: Make) -> None:
    served = harness(app)
    for _ in range(5):
        served.connect().sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    served.worker.accept(served.listener)
    assert served.worker.clients.count == len(served.worker.clients.ready) == 5
    served.worker._answer_ready(Lead())


def test_a_flood_of_connections_does_not_keep_it_from_those_that_are_there(
    app: App, harness: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_AT_ONCE", 3)
    served = harness(app)
    for _ in range(5):
        served.connect()
    served.worker.accept(served.listener)
    assert served.worker.clients.count == 3
    served.worker.accept(served.listener)
    assert served.worker.clients.count == 5


def test_an_idle_connection_is_closed_after_its_time(app: App, harness: Make) -> None:
    served = harness(app, keepalive=1).start()
    client = served.connect()
    assert client.recv(1) == b""
    assert gone(served)


def test_requests_that_arrive_together_catch_up_with_each_other(app: App, harness: Make) -> None:
    served = harness(app)
    worker = served.worker
    clients = [served.connect() for _ in range(3)]
    for client in clients:
        worker.accept(served.listener)
        path = b"/aside/again" if client is clients[1] else b"/aside"
        body = f"{clients.index(client)}".encode()
        client.sendall(b"POST %b HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n%b" % (path, body))
    while len(worker.clients.ready) < 3:
        worker.wait_for_and_dispatch_events(1)
    worker._answer_ready(Lead())
    steps = ["arrives", "goes on"]
    assert app.notes == [f"{number} {step}" for step in steps for number in range(3)]
    assert [client.recv(1000)[-1:] for client in clients] == [b"0", b"1", b"2"]


def test_a_leader_that_is_replaced_leaves_the_rest_to_the_next(app: App, harness: Make) -> None:
    served = harness(app)
    worker = served.worker
    clients = [served.connect() for _ in range(2)]
    for client in clients:
        worker.accept(served.listener)
        client.sendall(b"GET /aside HTTP/1.1\r\nHost: x\r\n\r\n")
    while len(worker.clients.ready) < 2:
        worker.wait_for_and_dispatch_events(1)
    lead = Lead()
    lead.over = True
    worker._answer_ready(lead)
    assert len(worker.clients.ready) == 2
    worker._answer_ready(Lead())
    assert not worker.clients.ready
    assert all(client.recv(1000).endswith(b"/aside") for client in clients)


def test_the_end_waits_for_what_is_running(app: App, harness: Make) -> None:
    served = harness(app).start()
    client = served.client()
    idle = served.connect()
    with ThreadPoolExecutor(1) as threads:
        client.request("GET", "/wait")
        app.wait_for(1)
        served.worker.handle_exit(0, None)
        ending = threads.submit(served._thread.join, LONGEST)
        assert idle.recv(1) == b""
        assert not ending.done()
        app.gate.set()
        assert client.getresponse().read() == b"/wait"
        ending.result(LONGEST)
    assert not served._thread.is_alive()


def test_a_connection_that_is_idle_when_the_end_comes_may_bring_one_more(
    app: App, harness: Make
) -> None:
    served = harness(app).start()
    client = served.client()
    answer(client, "/")
    served.worker.handle_exit(0, None)
    client.request("GET", "/last")
    response = client.getresponse()
    assert (response.read(), response.headers["Connection"]) == (b"/last", "close")


def test_what_does_not_end_is_left_behind(app: App, harness: Make) -> None:
    served = harness(app, graceful_timeout=1).start()
    served.connect().sendall(b"GET /wait HTTP/1.1\r\nHost: x\r\n\r\n")
    app.wait_for(1)
    served.worker.handle_exit(0, None)
    served._thread.join(LONGEST)
    assert not served._thread.is_alive()
    app.gate.set()


def test_a_worker_without_its_master_ends(app: App, harness: Make) -> None:
    served = harness(app)
    served.worker.ppid = -1
    served.start()
    served._thread.join(LONGEST)
    assert not served._thread.is_alive()


def test_a_worker_that_cannot_poll_any_more_ends(app: App, harness: Make) -> None:
    served = harness(app)
    served.worker.wait_for_and_dispatch_events = lambda _seconds: 1 / 0
    served.start()
    served._thread.join(LONGEST)
    assert not served._thread.is_alive()


def test_a_quit_ends_it_at_once(app: App, harness: Make) -> None:
    served = harness(app)
    served.worker._glance = lambda: LONGEST  # the signal comes in the thread that glances
    served.start().ask("/")
    with pytest.raises(SystemExit):
        served.worker.handle_quit(0, None)
    served._thread.join(LONGEST)
    assert not served._thread.is_alive()


def test_other_protocols_are_read_in_threads(app: App, harness: Make) -> None:
    served = harness(app, protocol="uwsgi", uwsgi_allow_ips="*").start()
    client = served.connect()
    pairs = {"REQUEST_METHOD": "GET", "PATH_INFO": "/u", "SERVER_PROTOCOL": "HTTP/1.1"}
    block = b"".join(
        struct.pack("<H", len(text)) + text.encode() for pair in pairs.items() for text in pair
    )
    client.sendall(struct.pack("<BHB", 0, len(block), 0) + block)
    assert b"/u" in client.recv(1000)


def test_the_number_of_a_connection_closed_elsewhere_can_be_used_again(
    app: App, harness: Make
) -> None:
    served = harness(app)
    worker = served.worker
    served.connect()
    worker.accept(served.listener)
    (first,) = worker.clients.idle
    served.connect()
    number = first.sock.fileno()
    first.sock.close()  # as an answering thread does where the client is to blame
    worker.accept(served.listener)
    second = list(worker.clients.idle)[1]
    assert second.sock.fileno() == number
    worker.clients._drop(first)
    assert worker.poller.get_key(second.sock)


def test_a_connection_is_given_up_once(app: App, harness: Make) -> None:
    """A client that has gone, and of whom the poller still has a notice."""
    served = harness(app)
    served.connect()
    served.worker.accept(served.listener)
    clients = served.worker.clients
    (connection,) = clients.idle
    connection.sock.close()
    clients.hang_up(connection)
    clients._readable(connection, connection.sock)
    assert clients.count == 0


def test_the_last_ones_in_the_queue_are_taken_before_the_end(app: App, harness: Make) -> None:
    served = harness(app)
    clients = [served.client() for _ in range(3)]
    for client in clients:
        client.request("GET", "/late")
    served.worker.alive = False
    served.start()
    for client in clients:
        response = client.getresponse()
        assert (response.read(), response.headers["Connection"]) == (b"/late", "close")
    served._thread.join(LONGEST)
    with pytest.raises(ConnectionRefusedError):
        served.connect()


def test_http_client_reads_every_answer_by_its_length(served: Harness) -> None:
    client = http.client.HTTPConnection(*served.address, timeout=LONGEST)
    client.request("HEAD", "/head")
    assert client.getresponse().read() == b""
    client.request("GET", "/get")
    assert client.getresponse().read() == b"/get"
    client.close()
