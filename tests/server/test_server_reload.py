"""Reloads under load: accepted or rejected, without losing a request."""

import json
import os
import signal
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest
import requests

from live_load import LONGEST, MAIN, Live, calling, kill, living, wait_until
from mmf_core.projects import own_modules


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Live:
    """Yield a service with two workers; each test restores version 1 and its code."""
    with living(tmp_path_factory.mktemp("live")) as running:
        yield running


def test_reload_loses_no_request(live: Live) -> None:
    (live.folder / "helper.py").write_text("VERSION = 'the second'\n")
    with calling(live.service) as callers:
        for version in (2, 3):
            live.put(version=version)
            live.reload()
            before = len(callers.responses) + 4  # one request each may be in flight
            callers.more(40)
            assert {response["version"] for response in callers.responses[before:]} == {version}
    assert callers.lost == []
    assert {response["version"] for response in callers.responses} == {1, 2, 3}
    last = callers.responses[-1]
    assert last["helper"] == "the second", "modules imported by main.py are reloaded"
    assert last["models"] == 1, "the old models are released"
    assert last["frozen"] > 10_000, "and the new one is shared"
    wait_until(lambda: live.ready().json() == {"ready": True})
    live.put(version=1)
    live.reload()


@pytest.mark.parametrize(
    ("model", "main", "reason", "logged"),
    [
        ("{", None, "model.json cannot be loaded: JSONDecodeError", "Expecting property name"),
        ('{"crashes": 1}', None, "the process that tried it ended, SIGSEGV", ""),
        ('{"raises": 1}', None, "score fails on its example: RuntimeError", "a secret"),
        ('{"version": 2, "mute": 1}', None, "length fails on its example: RuntimeError", "secret"),
        (None, "import mmf_core\n1 +", "SyntaxError (main.py, line 2)", "invalid syntax"),
    ],
    ids=["broken", "crash", "raises", "was better", "syntax"],
)
def test_broken_version_is_rejected(
    live: Live, model: str | None, main: str | None, reason: str, logged: str
) -> None:
    old = (live.folder / "model.json").read_text()
    if main:
        (live.folder / "main.py").write_text(main)
    if model:
        (live.folder / "model.json").write_text(model)
    with calling(live.service) as callers:
        line = live.refuse()
        callers.more()
    assert callers.lost == []
    assert {response["version"] for response in callers.responses} == {1}
    assert {response["models"] for response in callers.responses} == {1}
    response = live.ready()
    assert response.status_code == 200
    assert response.json()["reload"]["failed"].startswith(reason)
    assert response.json()["reload"]["at"].startswith("20")
    assert "secret" not in response.text
    assert json.loads(line)["level"] == "ERROR"
    assert logged in line
    (live.folder / "model.json").write_text(old)
    (live.folder / "main.py").write_text(MAIN)
    live.reload()
    wait_until(lambda: live.ready().json() == {"ready": True})


def test_package_without_location_is_not_reloaded(monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = ModuleType("nowhere")
    nowhere.__path__ = []  # like six.moves, which pandas imports
    monkeypatch.setitem(sys.modules, "nowhere", nowhere)
    assert "nowhere" not in own_modules()


def test_killed_worker_loses_only_its_own_requests(live: Live) -> None:
    with calling(live.service) as callers:
        victim = callers.responses[-1]["pid"]
        kill(victim)
        wait_until(lambda: victim not in live.workers and len(live.workers) == 2)
        callers.more(40)
    # Callers notice at once, and each has one request in flight.
    assert len(callers.lost) <= 4
    assert live.service.process.poll() is None


@pytest.mark.long
def test_file_watching_survives_any_worker(tmp_path: Path) -> None:
    with living(tmp_path, MMF_RELOAD_SECONDS="0.2") as live:
        for version in (2, 3):
            with calling(live.service) as callers:
                old = live.workers
                live.put(version=version)
                live.wait_for_others(old)
                callers.more()
            assert callers.lost == []
            assert live.score()["version"] == version
            first = min(live.workers)  # it started first, and watches the files
            kill(first)
            wait_until(lambda gone=first: gone not in live.workers and len(live.workers) == 2)
        assert "reloading: model.json changed" in live.log
        old = live.workers
        (tmp_path / "artifacts.lock").write_text("{}")
        live.wait_for_others(old)
        (tmp_path / "model.json").write_text("{")
        wait_until(lambda: "reload rejected" in live.log)
        time.sleep(1)
        assert live.log.count("reload rejected") == 1, "it is not retried unchanged"
        live.put(version=4)
        wait_until(lambda: live.score()["version"] == 4)
        pids = live.workers
        kill(live.service.process.pid)
        wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids))


LATE = (
    MAIN.replace('"model.json"', '"model.json", preload=False', 1)
    + """

@mmf.target(returns=mmf.Bool())
def slow(x=mmf.Bool()):
    time.sleep(1)
    return True
"""
)


def test_shutdown_serves_all_accepted_requests(tmp_path: Path) -> None:
    """Including connections in the backlog that no worker has accepted yet."""
    with living(tmp_path, LATE, WEB_CONCURRENCY="1", WEB_THREADS="1") as live:
        (worker,) = live.workers
        os.kill(worker, signal.SIGSTOP)  # so that it cannot accept connections
        clients = [socket.create_connection(("127.0.0.1", live.service.port)) for _ in range(20)]
        head = b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        for client in clients:
            client.settimeout(LONGEST)
            client.sendall(head + b"Content-Length: 3\r\n\r\n1.0")
        live.service.process.terminate()
        wait_until(lambda: "Handling signal: term" in live.log)
        time.sleep(0.3)
        os.kill(worker, signal.SIGCONT)
        for client in clients:
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK")
            client.close()
        assert live.service.process.wait(10) == 0, "before the graceful timeout"


def test_artifacts_without_preload_are_tested(tmp_path: Path) -> None:
    with living(tmp_path, LATE) as live:
        with ThreadPoolExecutor(1) as threads:
            slow = threads.submit(
                requests.post, f"{live.service.url}/slow", json=True, timeout=LONGEST
            )
            time.sleep(0.3)
            (tmp_path / "model.json").write_text("{")
            live.refuse()
            assert slow.result().json() == {"result": True}
        assert "model.json cannot be loaded" in live.ready().json()["reload"]["failed"]
        kill(min(live.workers))
        wait_until(lambda: "a new worker cannot load its artifacts" in live.log)
        assert live.score()["version"] == 1
        live.put(version=2)
        live.reload()
        assert live.score()["version"] == 2


SLOW_IMPORT = f"""{MAIN}
if os.path.exists("slow"):
    with open("loads", "a") as file:
        file.write("x")
    time.sleep(3)
"""


ENDLESS_IMPORT = f"""{SLOW_IMPORT}
    while len(open("loads").read()) == ENDLESS:
        pass
"""


@pytest.mark.parametrize("loads", [1, 2], ids=["while it is tried", "while it is taken"])
@pytest.mark.parametrize(
    "main",
    [SLOW_IMPORT, pytest.param(ENDLESS_IMPORT, marks=pytest.mark.long)],
    ids=["slow", "endless"],
)
def test_shutdown_abandons_a_reload(tmp_path: Path, main: str, loads: int) -> None:
    with living(tmp_path, main.replace("ENDLESS", str(loads))) as live:
        (tmp_path / "slow").touch()
        live.put(version=2)
        live.service.process.send_signal(signal.SIGHUP)
        wait_until((tmp_path / "loads").exists)
        wait_until(lambda: len((tmp_path / "loads").read_text()) == loads)
        live.service.process.terminate()
        assert live.service.process.wait(2.5) == 0
        assert "reload abandoned" in live.log


@pytest.mark.long
def test_version_that_hangs_in_the_master_is_rejected(tmp_path: Path) -> None:
    main = f"{ENDLESS_IMPORT}\nfrom mmf_core.server import reloading\nreloading.SLACK = 1\n"
    with living(tmp_path, main.replace("ENDLESS", "2")) as live:
        (tmp_path / "slow").touch()
        live.put(version=2)
        live.service.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "did not load again within" in live.log)
        kill(min(live.workers))
        assert live.score()["version"] == 1
        assert "did not load again" in live.ready().json()["reload"]["failed"]


@pytest.mark.long
def test_dead_workers_are_replaced_during_a_reload(tmp_path: Path) -> None:
    with living(tmp_path, SLOW_IMPORT) as live:
        (tmp_path / "slow").touch()
        live.put(version=2)
        victims = live.workers
        live.service.process.send_signal(signal.SIGHUP)
        wait_until((tmp_path / "loads").exists)
        for victim in victims:
            kill(victim)
        assert live.score()["version"] == 1, "before the test of the new version has ended"
        assert (tmp_path / "loads").read_text() == "x"
        wait_until(lambda: live.score()["version"] == 2)


CATCHES_ALL = """
import time
from pathlib import Path

with Path("imports").open("a") as imports:
    imports.write("x")
while Path("imports").stat().st_size > 1:  # not in the fork that tries it, but in the master
    try:
        time.sleep(0.1)
    except BaseException:
        pass
"""


@pytest.mark.long
def test_bare_except_in_main_does_not_prevent_shutdown(tmp_path: Path) -> None:
    with living(tmp_path) as live:
        (tmp_path / "main.py").write_text(CATCHES_ALL + MAIN)
        live.service.process.send_signal(signal.SIGHUP)
        imports = tmp_path / "imports"
        wait_until(lambda: imports.exists() and imports.stat().st_size == 2)
        live.service.process.terminate()
        assert live.service.process.wait(15) == 0
