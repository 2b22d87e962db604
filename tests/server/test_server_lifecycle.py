"""The end of a service, of a worker that has grown, and readiness while threads are taken."""

import http.client
import json
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any

import pytest
import requests

from mmf_core import Registry
from mmf_core.processes import resident
from mmf_core.readiness import PROBES, server_status
from mmf_core.server import draining, memory, starting
from mmf_core.server.memory import MemoryLimit
from mmf_core.server.shares import Shares, shares
from mmf_core.settings import MIB
from mmf_core.web import create_app
from services import Service, serve

LONGEST = 60.0
APP = """
import os
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
grown = []


@registry.target(returns=mmf.Integer())
def pid():
    return os.getpid()


@registry.target(returns=mmf.Integer())
def wait(file=mmf.File()):
    while not os.path.exists(file.decode()):
        time.sleep(0.02)
    return os.getpid()


@registry.target(returns=mmf.Integer())
def grow():
    grown.append(b"x" * 400_000_000)
    return os.getpid()


app = create_app(registry)
"""


@pytest.fixture
def put_back() -> Iterator[None]:
    """Let later tests find nothing wrong."""
    yield
    draining._until[0] = 0.0
    server_status.not_ready_reason = server_status.workers = str


def wait_until(holds: Any) -> None:
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.05)


def pid(service: Service, what: str = "pid") -> int:
    """Return which worker answers."""
    return int(requests.post(f"{service.url}/{what}", timeout=LONGEST).json()["result"])


def ready(service: Service) -> requests.Response:
    return requests.get(f"{service.url}/health/ready", timeout=LONGEST)


def waiting(service: Service, gate: Path) -> http.client.HTTPConnection:
    """Send a request that is answered when `gate` is there."""
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LONGEST)
    headers = {"Content-Type": "application/octet-stream"}
    client.request("POST", "/wait", str(gate).encode(), headers)
    return client


def test_readiness_goes_first_and_requests_are_answered_until_the_end(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, MMF_DRAIN_SECONDS="600") as service,
    ):
        slow = waiting(service, tmp_path / "gate")
        wait_until(lambda: ready(service).status_code == 200)
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready(service).status_code == 503)
        assert "being stopped" in ready(service).json()["detail"]
        assert requests.get(f"{service.url}/health/live", timeout=LONGEST).status_code == 200
        for _ in range(5):
            assert pid(service), "new connections are answered"
        (tmp_path / "gate").touch()
        service.process.send_signal(signal.SIGTERM)  # the second one ends the wait
        assert slow.getresponse().status == 200
        slow.close()
        assert service.process.wait(LONGEST) == 0


@pytest.mark.usefixtures("put_back")
def test_the_drain_is_within_the_time_for_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MMF_DRAIN_SECONDS", "5")
    timers: list[float] = []
    monkeypatch.setattr(draining.signal, "setitimer", lambda _, seconds: timers.append(seconds))
    monkeypatch.setattr(draining.signal, "signal", lambda *_: None)
    told: dict[str, int] = {}
    stops: list[bool] = []
    cfg = SimpleNamespace(graceful_timeout=25, set=told.__setitem__)
    server = SimpleNamespace(cfg=cfg, handle_term=lambda: stops.append(True))
    draining.answer_sigterm(server)
    server.handle_term()
    assert (timers, stops, told) == ([5.0], [], {"graceful_timeout": 20})
    assert draining.has_begun()
    assert draining.goes_on()
    assert server.handle_hup() == 0, "and no new version is begun"
    server.handle_term()
    assert stops == [True]
    assert draining.has_begun()
    assert not draining.goes_on()


@pytest.mark.usefixtures("put_back")
def test_a_worker_that_gets_sigterm_too_goes_on_while_it_drains(harness: Any) -> None:
    served = harness(lambda *_: []).start()
    draining._until[0] = time.monotonic() + LONGEST
    served.worker.handle_exit(0, None)
    assert served.worker.alive
    draining._until[0] = time.monotonic()
    served.worker.handle_exit(0, None)
    assert not served.worker.alive


def test_health_is_answered_while_every_thread_is_taken(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, WEB_CONCURRENCY="1", WEB_THREADS="2") as service,
    ):
        kept = requests.Session()
        kept.get(f"{service.url}/health/live", timeout=LONGEST)
        slow = [waiting(service, gate) for _ in range(6)]
        wait_until(lambda: ready(service).json().get("workers") == "0 of 1")
        for path in PROBES:
            assert requests.get(f"{service.url}{path}", timeout=LONGEST).status_code == 200
            assert kept.head(f"{service.url}{path}", timeout=LONGEST).status_code == 200
        gate.touch()
        assert {json.loads(one.getresponse().read())["result"] for one in slow} == {pid(service)}
        for one in slow:
            one.close()
        wait_until(lambda: ready(service).json() == {"ready": True})


def test_a_service_whose_threads_are_all_taken_for_long_is_not_ready(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with (
        (tmp_path / "log").open("wb") as log,
        serve(
            "gunicorn",
            *(tmp_path, log),
            app=APP,
            WEB_CONCURRENCY="1",
            WEB_THREADS="1",
            WEB_TIMEOUT="3",
        ) as service,
    ):
        worker = pid(service)
        slow = [waiting(service, gate) for _ in range(4)]
        wait_until(lambda: ready(service).status_code == 503)
        assert "no worker has had a thread" in ready(service).json()["detail"]
        gate.touch()
        assert {json.loads(one.getresponse().read())["result"] for one in slow} == {worker}
        for one in slow:
            one.close()
        wait_until(lambda: ready(service).status_code == 200)


def test_who_can_take_requests_and_when_anybody_could(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = Shares()
    assert (mine.able(), mine.latest()) == (0, 0.0)
    mine.tell(1, 5)
    mine.tell(2, 3)
    assert mine.able() == 2
    before = mine.latest()
    mine.hold(2)
    assert (mine.able(), mine.least(1), mine.least(2)) == (1, float("inf"), 5)
    assert mine.latest() == before
    monkeypatch.setattr(starting, "shares", mine)
    assert starting.workers(2) == "1 of 2"
    assert starting.workers(1) == ""
    assert starting.refusal(LONGEST) == ""
    later = time.monotonic() + 100
    monkeypatch.setattr(starting.time, "monotonic", lambda: later)
    assert "for 100 seconds" in starting.refusal(LONGEST)
    assert starting.refusal(0) == ""


@pytest.mark.usefixtures("put_back")
def test_readiness_tells_what_the_server_knows() -> None:
    client = create_app(Registry()).test_client()
    server_status.workers = lambda: "1 of 2"
    assert client.get("/health/ready").get_json() == {"ready": True, "workers": "1 of 2"}
    server_status.not_ready_reason = lambda: "it is being stopped"
    for path in PROBES:
        expected = 200 if path.endswith("live") else 503
        assert client.get(path).status_code == expected
    assert client.get("/health/ready").get_json()["detail"] == "it is being stopped"


def test_a_worker_that_has_grown_is_replaced(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, MMF_MAX_RSS_MIB="300") as service,
    ):
        wait_until(lambda: ready(service).json() == {"ready": True})
        large = pid(service, "grow")
        answers: set[int] = set()

        def others() -> bool:
            answers.add(pid(service))
            return len(answers - {large}) >= 2

        wait_until(others)  # none of the requests meanwhile is lost
    assert "MMF_MAX_RSS_MIB" in (tmp_path / "log").read_text()


def test_one_worker_at_a_time_and_only_while_all_can_answer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    worker = SimpleNamespace(cfg=SimpleNamespace(workers=1))
    shares.tell(1, 0)
    sizes = iter([100, 100, 300, 300, 300, 300, 300])
    monkeypatch.setattr(memory, "resident", lambda: next(sizes) * MIB)
    free = [True]

    def lockf(_file: int, _how: int) -> None:
        if not free[0]:
            raise BlockingIOError

    monkeypatch.setattr(memory.fcntl, "lockf", lockf)
    limit = MemoryLimit(200 * MIB)
    assert not limit.is_passed(worker), "it is small"
    free[0] = False
    assert not limit.is_passed(worker), "another has its turn"
    free[0] = True
    worker.cfg.workers = 257
    assert not limit.is_passed(worker), "another is being replaced"
    worker.cfg.workers = 1
    assert limit.is_passed(worker)


def test_a_limit_below_what_a_worker_begins_with_is_none(caplog: pytest.LogCaptureFixture) -> None:
    assert not MemoryLimit(1).is_passed(None)
    assert "MMF_MAX_RSS_MIB" in caplog.text
    assert not MemoryLimit(None).is_passed(None)


def test_memory_where_there_is_no_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resident() > 10 * MIB

    def absent(_path: Path) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_bytes", absent)
    assert resident() > 10 * MIB


def test_a_thread_that_is_free_takes_over_from_who_stands_in(harness: Any) -> None:
    served = harness(lambda *_: [])
    worker = served.worker
    worker.poller.register(worker.method_queue, 1, worker.method_queue.run_callbacks)
    stands_in = Thread(target=worker._lead_on, kwargs={"stands_in": True})
    stands_in.start()
    wait_until(lambda: worker._lead is not None)
    first = worker._lead
    leads = Thread(target=worker._lead_on)
    leads.start()
    stands_in.join(LONGEST)
    assert not stands_in.is_alive()
    assert first.over
    assert not worker._lead.stands_in
    worker._lead_on(stands_in=True)  # not needed, and gone at once
    worker._end()
    leads.join(LONGEST)
    assert not leads.is_alive()


def test_the_end_of_a_connection_that_nobody_can_open(
    harness: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = harness(lambda *_: [])
    served.connect()

    def full(_self: socket.socket) -> Any:
        raise OSError(24, "Too many open files")

    monkeypatch.setattr(socket.socket, "accept", full)
    served.worker.accept(served.listener)
    assert served.worker.clients.count == 0
    assert served.worker._most == 1
