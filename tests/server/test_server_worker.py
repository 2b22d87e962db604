"""The worker: what it adds to gunicorn's, in a thread of the test and in processes."""

import errno
import http.client
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import requests
from gunicorn.workers.gthread import ThreadWorker
from harness import LONGEST, Harness, get

from mmf_core.probes import probes
from mmf_core.server.connections import Connection
from mmf_core.server.scoreboard import scoreboard
from mmf_core.server.worker import STOP_KEEPALIVE_LINGER, UNUSED_LINGER
from services import Service, serve

Make = Callable[..., Harness]
APP = """
import os
import threading
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
local = threading.local()


@registry.target(returns=mmf.DataFrame(format=mmf.JSON), batch=True)
def double(data=mmf.DataFrame(schema={"a": float})):
    time.sleep(0.01)
    return data * 2


@registry.target(returns=mmf.Integer(), max_concurrency=2)
def limited(gate=mmf.String()):
    while not os.path.exists(gate):
        time.sleep(0.01)
    return 1


@registry.target(returns=mmf.Integer())
def pid():
    return os.getpid()


@registry.target(returns=mmf.Integer())
def hold(seconds=mmf.Float()):
    # The interpreter's lock is kept: no other thread of the process runs.
    end = time.monotonic() + seconds
    import ctypes
    ctypes.PyDLL(None).usleep(int(seconds * 1_000_000))
    return os.getpid()


app = create_app(registry)


@app.before_request
def remember():
    local.caller = mmf_caller()


@app.after_request
def send_caller(response):
    response.headers["X-Caller"] = local.caller
    return response


def mmf_caller():
    from flask import request
    return request.headers.get("X-Caller", "")
"""


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Yield a service with one worker and the default threads."""
    folder = tmp_path_factory.mktemp("service")
    with (
        (folder / "log").open("wb") as log,
        serve("gunicorn", folder, log, app=APP, WEB_CONCURRENCY="1") as service,
    ):
        yield service


def test_thread_state_is_not_shared_between_requests(service: Service) -> None:
    def call(number: int) -> bool:
        response = requests.post(
            f"{service.url}/double",
            json=[{"a": number}],
            headers={"X-Caller": str(number)},
            timeout=LONGEST,
        )
        values = next(iter(response.json()[0].values()))
        return response.headers["X-Caller"] == str(number) and values == 2 * number

    with ThreadPoolExecutor(16) as threads:
        assert all(threads.map(call, range(160)))


def test_calls_beyond_limit_and_queue_are_rejected_immediately(
    service: Service, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    statuses: Counter[int] = Counter()

    def call(_: int) -> None:
        url = f"{service.url}/limited"
        statuses[requests.post(url, json=str(gate), timeout=LONGEST).status_code] += 1

    with ThreadPoolExecutor(40) as threads:
        calls = threads.map(call, range(40))
        end = time.monotonic() + LONGEST
        while statuses[503] < 22 and time.monotonic() < end:
            time.sleep(0.01)
        assert statuses == {503: 22}
        assert requests.post(f"{service.url}/pid", timeout=LONGEST).status_code == 200
        gate.touch()
        list(calls)
    assert statuses == {200: 18, 503: 22}


def test_simultaneous_connections_are_accepted_together(service: Service) -> None:
    clients = [
        http.client.HTTPConnection("127.0.0.1", service.port, timeout=LONGEST) for _ in range(200)
    ]
    started = time.monotonic()
    for client in clients:
        client.request("GET", "/health/live")
    for client in clients:
        assert client.getresponse().status == 200
        client.close()
    assert time.monotonic() - started < LONGEST / 4


def test_connections_do_not_wait_for_a_stuck_worker(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, WEB_CONCURRENCY="2") as service,
        ThreadPoolExecutor(1) as threads,
    ):
        time.sleep(1)  # until both workers have published
        stuck = threads.submit(requests.post, f"{service.url}/hold", json=4, timeout=LONGEST)
        time.sleep(0.3)
        started = time.monotonic()
        pids = {
            requests.post(f"{service.url}/pid", timeout=LONGEST).json()["result"] for _ in range(12)
        }
        assert time.monotonic() - started < 2
        assert pids.isdisjoint({stuck.result().json()["result"]})


class App:
    """Responds to /wait when `gate` is open, to other paths immediately."""

    def __init__(self) -> None:
        self.gate = threading.Event()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] == "/wait":
            assert self.gate.wait(LONGEST)
        start_response("200 OK", [("Content-Length", "2")])
        return [b"ok"]


@pytest.fixture
def app() -> Iterator[App]:
    app = App()
    yield app
    app.gate.set()


def test_health_checks_respond_while_every_thread_is_busy(app: App, harness: Make) -> None:
    served = harness(app, threads=2).start()
    kept = served.client()
    assert get(kept, "/") == b"ok"
    slow = [served.client() for _ in range(4)]
    for client in slow:
        client.request("GET", "/wait")
    for path in probes():
        assert served.get(path) == b"ok"
        assert get(kept, f"{path}?verbose") == b"ok"
    app.gate.set()
    for client in slow:
        assert client.getresponse().read() == b"ok"


@pytest.mark.parametrize("number", [errno.EPROTO, errno.EMFILE, errno.ECONNABORTED])
def test_accept_error_affects_at_most_one_connection(
    app: App, harness: Make, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    served = harness(app).start()
    accept, errors = socket.socket.accept, iter([OSError(number, os.strerror(number))])

    def failing(listener: socket.socket) -> Any:
        for error in errors:
            raise error
        return accept(listener)

    monkeypatch.setattr(socket.socket, "accept", failing)
    clients = [served.client() for _ in range(8)]
    assert [get(client, "/") for client in clients] == [b"ok"] * 8
    assert served.worker.nr_conns == 8


def test_shutdown_serves_running_and_waiting_requests(app: App, harness: Make) -> None:
    served = harness(app, threads=1).start()
    running, idle = served.client(), served.client()
    assert get(idle, "/") == b"ok"
    running.request("GET", "/wait")
    silent = served.connect()
    while served.worker.nr_conns < 3:
        time.sleep(0.01)
    served.worker.handle_exit(0, None)
    app.gate.set()
    assert running.getresponse().read() == b"ok"
    idle.request("GET", "/")
    response = idle.getresponse()
    assert (response.read(), response.headers["Connection"]) == (b"ok", "close")
    assert silent.recv(1) == b"", "an unused connection is closed soon"
    served.stop()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(served.address)


def test_shutdown_waits_longer_for_a_first_request(app: App, harness: Make) -> None:
    """A client may retry a request on a reused connection (RFC 9112, 9.3.1)."""
    served = harness(app).start()
    idle, new, silent = served.client(), served.connect(), served.connect()
    assert get(idle, "/") == b"ok"
    while served.worker.nr_conns < 3:
        time.sleep(0.01)
    began = time.monotonic()
    served.worker.handle_exit(0, None)
    assert idle.sock is not None
    assert idle.sock.recv(1) == b""
    assert time.monotonic() - began < UNUSED_LINGER - 1
    time.sleep(max(0.0, began + STOP_KEEPALIVE_LINGER + 1 - time.monotonic()))
    new.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
    assert new.recv(12) == b"HTTP/1.1 200"
    assert silent.recv(1) == b""
    assert time.monotonic() - began < UNUSED_LINGER + 3


@pytest.mark.parametrize("ending", [False, True])
def test_request_racing_with_keepalive_expiry_is_served(
    app: App, harness: Make, monkeypatch: pytest.MonkeyPatch, ending: bool
) -> None:
    served = harness(app, keepalive=1).start()
    client, other = served.client(), served.client()
    assert (get(client, "/"), get(other, "/")) == (b"ok", b"ok")
    worker = served.worker
    wait, sent = worker.wait_for_and_dispatch_events, Event()

    def miss(timeout: float) -> None:
        """Wait, then let a request arrive as its connection expires."""
        wait(timeout)
        if len(worker.keepalived_conns) == 2:
            monkeypatch.undo()
            worker.alive = not ending
            client.request("GET", "/")
            sent.set()
            for conn in worker.keepalived_conns:
                conn.timeout = 0

    monkeypatch.setattr(worker, "wait_for_and_dispatch_events", miss)
    worker.method_queue.defer(lambda: None)
    assert sent.wait(LONGEST)
    response = client.getresponse()
    assert (response.status, response.read()) == (200, b"ok")


def test_connection_that_no_one_watches_yet_does_not_expire(
    app: App, harness: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = harness(app, keepalive=1)
    worker, may_watch = served.worker, Event()
    watch = worker._poll

    def watch_late(conn: Connection, callback: Any) -> None:
        if threading.current_thread().name == "mmf-request":  # the whole process has been paused
            may_watch.wait(LONGEST)
        watch(conn, callback)

    monkeypatch.setattr(worker, "_poll", watch_late)
    client = served.start().client()
    assert get(client, "/") == b"ok"
    time.sleep(1.5)
    assert worker.nr_conns == 1
    may_watch.set()
    assert client.sock is not None
    assert client.sock.recv(1) == b""
    time.sleep(0.5)
    assert worker.nr_conns == 0


def test_idle_connection_is_closed_after_keepalive(app: App, harness: Make) -> None:
    served = harness(app, keepalive=1).start()
    used, silent = served.client(), served.connect()
    get(used, "/")
    assert silent.recv(1) == b""
    assert used.sock is not None
    assert used.sock.recv(1) == b""


@pytest.mark.parametrize(
    ("least", "own", "accepts"),
    [
        (0, 1, True),
        (0, 2, False),
        (15, 16, True),
        (15, 17, False),
        (1000, 1099, True),
        (1000, 1100, False),
    ],
)
def test_workers_may_differ_by_a_tenth_of_connections(
    harness: Make, least: int, own: int, accepts: bool
) -> None:
    """With a difference of two, thousands of simultaneous connections would need too many turns."""
    worker = harness(app, threads=2000).worker
    worker.worker_connections, worker.nr_conns = 10_000, own
    worker._share._checked = float("inf")  # none is left over
    scoreboard.publish(2, least)
    try:
        assert (own < worker.worker_connections) == accepts
    finally:
        scoreboard.clear(2)
        worker.nr_conns = 0


def test_worker_yields_connections_unless_others_do_not_accept(app: App, harness: Make) -> None:
    served = harness(app).start()
    scoreboard.publish(2, 0)  # another worker, which accepts nothing
    try:
        clients = [served.client() for _ in range(10)]
        assert Counter(get(client, "/") for client in clients) == {b"ok": 10}
        end = time.monotonic() + LONGEST
        while served.worker._accepting:  # it polls whether others are stuck
            assert time.monotonic() < end
    finally:
        scoreboard.clear(2)


def test_main_loop_error_affects_one_connection(
    app: App, harness: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Such as exhausted threads, a full epoll, or a bug."""
    served = harness(app).start()
    client = served.client()
    assert get(client, "/") == b"ok"
    faults = [
        *((Connection, "has_arrived"), (served.worker.poller, "register")),
        *((served.worker.tpool, "submit"), (served.worker, "_hang_up")),
    ]
    for count, broken in enumerate(faults, 1):
        wait_until(lambda: len(served.worker.poller.get_map()) == 3)  # the client is waited for
        with monkeypatch.context() as patch:
            patch.setattr(*broken, failing_once(*broken))
            victim = served.connect()
            victim.sendall(b"GET / HTTP/1.0\r\n\r\n")
            with suppress(ConnectionResetError):
                while victim.recv(1 << 10):
                    pass
            wait_until(lambda: caplog.text.count("closing a connection: on purpose") == count)  # noqa: B023
        assert get(client, "/") == b"ok"
        wait_until(lambda: served.worker.nr_conns == 1)


def failing_once(owner: Any, name: str) -> Callable[..., Any]:
    """Return a method whose first call fails."""
    method, errors = getattr(owner, name), iter([RuntimeError("on purpose")])

    def failing(*arguments: Any, **options: Any) -> Any:
        for error in errors:
            raise error
        return method(*arguments, **options)

    return failing


def wait_until(happened: Callable[[], bool]) -> None:
    end = time.monotonic() + LONGEST
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_connections_are_served_with_reuse_port(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, GUNICORN_CMD_ARGS="--reuse-port") as service,
    ):
        time.sleep(1)  # until both workers listen
        clients = [
            http.client.HTTPConnection("127.0.0.1", service.port, timeout=LONGEST)
            for _ in range(100)
        ]
        for client in clients:
            client.request("POST", "/pid")
        pids = Counter(client.getresponse().read() for client in clients)
        assert pids.total() == 100
        for client in clients:
            client.close()


def test_settings_are_what_gunicorn_would_look_up(
    app: App, harness: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = harness(app, keepalive=7, limit_request_fields=9).worker
    expected = {name: getattr(worker.cfg, name) for name in worker.cfg.settings}
    monkeypatch.setattr(ThreadWorker, "init_process", lambda _worker: None)
    worker.init_process()
    assert {name: getattr(worker.cfg, name) for name in worker.cfg.settings} == expected
    looked_up: list[str] = []
    monkeypatch.setattr(type(worker.cfg), "__getattr__", lambda _cfg, name: looked_up.append(name))
    assert worker.cfg.keepalive == 7
    assert worker.cfg.limit_request_fields == 9
    assert not looked_up
