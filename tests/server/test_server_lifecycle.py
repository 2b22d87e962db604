"""Shutdown, replacement of workers over the memory limit, and readiness under saturation."""

import ctypes
import http.client
import io
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import requests

from mmf_core import Registry, shared_memory
from mmf_core.probes import probes
from mmf_core.processes import process_tree, resident
from mmf_core.readiness import server_status
from mmf_core.server import companions, graceful_shutdown, memory, spawning, worker_boot
from mmf_core.server.scoreboard import Scoreboard
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
    """Reset the state for later tests."""
    yield
    graceful_shutdown._deadline[0] = 0.0
    server_status.not_ready_reason = server_status.workers = str


def wait_until(holds: Any) -> None:
    end = time.monotonic() + LONGEST
    while not holds():
        assert time.monotonic() < end, "the condition was not met"
        time.sleep(0.05)


def pid(service: Service, route: str = "pid") -> int:
    """Return the process id of the worker that responds."""
    return int(requests.post(f"{service.url}/{route}", timeout=LONGEST).json()["result"])


def children(service: Service) -> list[str]:
    """Return the process ids of the workers."""
    master = service.process.pid
    return Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii").split()


def ready(service: Service) -> requests.Response:
    return requests.get(f"{service.url}/health/ready", timeout=LONGEST)


def waiting(service: Service, gate: Path) -> http.client.HTTPConnection:
    """Send a request that ends once `gate` exists."""
    client = http.client.HTTPConnection("127.0.0.1", service.port, timeout=LONGEST)
    headers = {"Content-Type": "application/octet-stream"}
    client.request("POST", "/wait", str(gate).encode(), headers)
    return client


def test_draining_fails_readiness_and_still_serves_requests(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, MMF_DRAIN_SECONDS="600") as service,
    ):
        slow = waiting(service, tmp_path / "gate")
        wait_until(lambda: ready(service).status_code == 200)
        service.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready(service).status_code == 503)
        assert "shutting down" in ready(service).json()["detail"]
        assert requests.get(f"{service.url}/health/live", timeout=LONGEST).status_code == 200
        for _ in range(5):
            assert pid(service), "new connections are served"
        (tmp_path / "gate").touch()
        service.process.send_signal(signal.SIGTERM)  # the second signal ends the drain
        assert slow.getresponse().status == 200
        slow.close()
        assert service.process.wait(LONGEST) == 0


def test_failed_fork_of_a_worker_does_not_stop_the_service(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with (
        log.open("wb") as stream,
        serve("gunicorn", tmp_path, stream, app=APP) as service,
    ):
        master = service.process.pid
        wait_until(lambda: len(children(service)) == 2)  # without both it would not have started
        limits = resource.prlimit(master, resource.RLIMIT_NOFILE)
        resource.prlimit(master, resource.RLIMIT_NOFILE, (4, limits[1]))  # it has more connections
        killed = pid(service)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: log.read_text().count("a worker cannot be started") > 1)
        assert pid(service) != killed, "the other worker serves"
        assert service.process.poll() is None
        resource.prlimit(master, resource.RLIMIT_NOFILE, limits)
        wait_until(lambda: len(children(service)) == 2)
        wait_until(lambda: ready(service).json() == {"ready": True})


def test_failed_fork_of_a_companion_is_retried(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    forks = iter([BlockingIOError(11, "Resource temporarily unavailable"), 4_000_000])

    def fork() -> int:
        if isinstance(result := next(forks), OSError):
            raise result
        return result

    capability = SimpleNamespace(process=lambda _seconds: lambda: None)
    monkeypatch.setattr(companions, "capabilities", lambda: {"tasks": capability})
    monkeypatch.setattr(companions, "RESTART_INTERVAL", 0)
    monkeypatch.setattr(companions.os, "fork", fork)
    processes = companions.Companions(_arbiter())
    processes.manage()
    assert "the process of tasks cannot be started" in caplog.text
    processes.manage()
    assert processes._pids == {"tasks": 4_000_000}


def _arbiter(*workers: int) -> SimpleNamespace:
    return SimpleNamespace(
        manage_workers=lambda: None,
        cfg=SimpleNamespace(graceful_timeout=1),
        WORKERS=dict.fromkeys(workers),
    )


def test_capability_without_process_is_called_once_per_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: list[float] = []  # `append` returns None: there is nothing to start
    capability = SimpleNamespace(process=calls.append)
    monkeypatch.setattr(companions, "capabilities", lambda: {"tasks": capability})
    monkeypatch.setattr(companions, "RESTART_INTERVAL", 0)
    processes = companions.Companions(_arbiter())
    for _ in range(3):
        processes.manage()
    assert len(calls) == 1
    processes.replace()
    processes.manage()
    assert len(calls) == 2


def test_worker_with_a_reused_companion_pid_is_not_killed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    capability = SimpleNamespace(process=lambda _seconds: lambda: time.sleep(60))
    monkeypatch.setattr(companions, "capabilities", lambda: {"tasks": capability})
    monkeypatch.setattr(companions, "RESTART_INTERVAL", 0)
    monkeypatch.setattr(companions.graceful_shutdown, "has_begun", lambda: False)
    with subprocess.Popen(["sleep", "60"]) as worker:
        processes = companions.Companions(_arbiter(worker.pid))
        monkeypatch.setattr(processes, "_fork", lambda _name, _run: 4_000_000)
        processes._pids = {"tasks": worker.pid}  # which the arbiter has reaped since
        processes._retired = [worker.pid]
        processes.replace()
        assert processes._retired == [worker.pid]
        processes.manage()
        assert (processes._pids, processes._retired) == ({"tasks": 4_000_000}, [])
        processes._pids, processes._retired = {"tasks": worker.pid}, [worker.pid]
        processes.stop()
        assert worker.poll() is None
        worker.kill()


def test_failed_fork_at_startup_stops_the_service() -> None:
    def spawn() -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    server = SimpleNamespace(spawn_worker=spawn, worker_age=2, num_workers=2, pid=os.getpid())
    spawning.keep_trying(server)
    with pytest.raises(BlockingIOError):
        server.spawn_worker()
    server.worker_age = 3
    assert server.spawn_worker() is None
    server.pid += 1
    with pytest.raises(BlockingIOError):  # in a fork, which must not continue as the master
        server.spawn_worker()


@pytest.mark.parametrize(
    ("blocks", "total_files", "free_files", "usable"),
    [(1024, 100, 64, True), (1024, 0, 0, True), (1023, 100, 64, False), (1024, 100, 63, False)],
)
def test_memory_folder_needs_free_space(
    monkeypatch: pytest.MonkeyPatch, blocks: int, total_files: int, free_files: int, usable: bool
) -> None:
    free = SimpleNamespace(f_bavail=blocks, f_frsize=1024, f_files=total_files, f_favail=free_files)
    monkeypatch.setattr(shared_memory.os, "access", lambda *_: True)
    monkeypatch.setattr(shared_memory.os, "statvfs", lambda _: free)
    assert (shared_memory.memory_folder(MIB) is not None) == usable


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGQUIT])
def test_quick_shutdown_does_not_wait_for_calls(tmp_path: Path, number: int) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, MMF_DRAIN_SECONDS="600") as service,
    ):
        slow = waiting(service, tmp_path / "gate")
        time.sleep(0.5)  # until the call is running
        service.process.send_signal(number)
        assert service.process.wait(5) == 0
        with pytest.raises(ConnectionError):
            slow.getresponse()
        slow.close()


@pytest.mark.usefixtures("put_back")
def test_drain_counts_towards_the_graceful_timeout(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MMF_DRAIN_SECONDS", "5")
    timers: list[float] = []
    monkeypatch.setattr(
        graceful_shutdown.signal, "setitimer", lambda _, seconds: timers.append(seconds)
    )
    monkeypatch.setattr(graceful_shutdown.signal, "signal", lambda *_: None)
    settings: dict[str, int] = {}
    stops: list[bool] = []
    cfg = SimpleNamespace(graceful_timeout=25, set=settings.__setitem__)
    server = SimpleNamespace(cfg=cfg, handle_term=lambda: stops.append(True))
    graceful_shutdown.handle_sigterm(server)
    server.handle_term()
    assert (timers, stops, settings) == ([5.0], [], {"graceful_timeout": 20})
    assert graceful_shutdown.has_begun()
    assert graceful_shutdown.is_draining()
    assert server.handle_hup() == 0, "and no reload is started"
    server.handle_term()
    assert stops == [True]
    assert graceful_shutdown.has_begun()
    assert not graceful_shutdown.is_draining()


@pytest.mark.usefixtures("put_back")
def test_worker_ignores_sigterm_while_draining() -> None:
    received: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: received.append(number))
    try:
        graceful_shutdown.ignore_sigterm_while_draining()
        graceful_shutdown._deadline[0] = time.monotonic() + LONGEST
        signal.raise_signal(signal.SIGTERM)
        assert received == []
        graceful_shutdown._deadline[0] = time.monotonic()
        signal.raise_signal(signal.SIGTERM)
        assert received == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_health_checks_succeed_while_every_thread_is_busy(tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, WEB_CONCURRENCY="1", WEB_THREADS="2") as service,
    ):
        session = requests.Session()
        session.get(f"{service.url}/health/live", timeout=LONGEST)
        slow = [waiting(service, gate) for _ in range(6)]
        wait_until(lambda: ready(service).json().get("workers") == "0 of 1")
        for path in probes():
            assert requests.get(f"{service.url}{path}", timeout=LONGEST).status_code == 200
            assert session.head(f"{service.url}{path}", timeout=LONGEST).status_code == 200
        gate.touch()
        assert {json.loads(connection.getresponse().read())["result"] for connection in slow} == {
            pid(service)
        }
        for connection in slow:
            connection.close()
        wait_until(lambda: ready(service).json() == {"ready": True})


def test_long_saturation_fails_readiness(tmp_path: Path) -> None:
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
        assert "every thread of every worker" in ready(service).json()["detail"]
        gate.touch()
        assert {json.loads(connection.getresponse().read())["result"] for connection in slow} == {
            worker
        }
        for connection in slow:
            connection.close()
        wait_until(lambda: ready(service).status_code == 200)


def test_readiness_counts_available_workers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = Scoreboard()
    assert (board.available(), board.last_seen()) == (0, 0.0)
    board.publish(1, 5)
    board.publish(2, 3)
    assert board.available() == 2
    before = board.last_seen()
    board.publish(2, float("inf"))
    assert (board.available(), board.min_connections(1)) == (1, float("inf"))
    assert board.min_connections(2) == 5
    assert board.last_seen() == before
    monkeypatch.setattr(worker_boot, "scoreboard", board)
    assert worker_boot.available_workers() == "", "the number of workers is not set"
    board.workers = 2
    assert worker_boot.available_workers() == "1 of 2"
    assert worker_boot.not_ready_reason(LONGEST) == ""
    later = time.monotonic() + 100
    monkeypatch.setattr(worker_boot.time, "monotonic", lambda: later)
    assert "for 100 seconds" in worker_boot.not_ready_reason(LONGEST)
    assert worker_boot.not_ready_reason(0) == ""


def test_readiness_follows_the_number_of_workers(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, WEB_CONCURRENCY="2") as service,
    ):
        wait_until(lambda: ready(service).json() == {"ready": True})
        for number, count in ((signal.SIGTTOU, 1), (signal.SIGTTIN, 2), (signal.SIGTTIN, 3)):
            service.process.send_signal(number)
            wait_until(lambda count=count: len(children(service)) == count)
            wait_until(lambda: ready(service).json() == {"ready": True})


def test_readiness_under_gunicorns_own_worker(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve(
            *("gunicorn", tmp_path, log),
            app=APP,
            WEB_CONCURRENCY="2",
            WEB_TIMEOUT="1",
            GUNICORN_CMD_ARGS="--worker-class=gthread",
        ) as service,
    ):
        time.sleep(1.2)  # longer than WEB_TIMEOUT
        assert ready(service).json() == {"ready": True}
        service.process.terminate()
        assert service.process.wait(LONGEST) == 0


@pytest.mark.usefixtures("put_back")
def test_readiness_reports_what_the_server_knows() -> None:
    client = create_app(Registry()).test_client()
    server_status.workers = lambda: "1 of 2"
    assert client.get("/health/ready").get_json() == {"ready": True, "workers": "1 of 2"}
    server_status.not_ready_reason = lambda: "it is being stopped"
    for path in probes():
        expected = 200 if path.endswith("live") else 503
        assert client.get(path).status_code == expected
    assert client.get("/health/ready").get_json()["detail"] == "it is being stopped"


def test_worker_over_the_memory_limit_is_replaced(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, app=APP, MMF_MAX_RSS_MIB="300") as service,
    ):
        wait_until(lambda: ready(service).json() == {"ready": True})
        large = pid(service, "grow")
        pids: set[int] = set()

        def others() -> bool:
            pids.add(pid(service))
            return len(pids - {large}) >= 2

        wait_until(others)  # none of the requests meanwhile is lost
    assert "MMF_MAX_RSS_MIB" in (tmp_path / "log").read_text()


def test_memory_restarts_are_staggered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    board = Scoreboard()
    monkeypatch.setattr(memory, "scoreboard", board)
    board.publish(1, 0)
    board.workers = 1
    sizes = iter([100, 300, 300, 300])
    monkeypatch.setattr(memory, "resident", lambda: next(sizes) * MIB)
    free = [True]

    def lockf(_file: int, _how: int) -> None:
        if not free[0]:
            raise BlockingIOError

    monkeypatch.setattr(memory.fcntl, "lockf", lockf)
    assert not memory.is_exceeded(200 * MIB), "it is small"
    free[0] = False
    assert not memory.is_exceeded(200 * MIB), "another worker is next"
    free[0] = True
    board.workers = 2
    assert not memory.is_exceeded(200 * MIB), "another is being replaced"
    board.workers = 1
    assert memory.is_exceeded(200 * MIB)


def test_memory_limit_below_startup_usage_is_ignored(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[Any] = []

    def start(target: Any, args: Any, **_: Any) -> threading.Thread:
        started.append((target, args))
        return threading.Thread()

    monkeypatch.setattr(memory, "Thread", start)
    memory.watch(1)
    assert "MMF_MAX_RSS_MIB=" in caplog.text
    assert started == [(memory._watch, (0,))]


FREED = """
import sys, threading
import numpy as np
import pandas as pd
from mmf_core.processes import process_tree, resident
from mmf_core.server import memory

def use():
    del_later = [bytearray(1000) for _ in range(100_000)]
    kept.append(bytearray(1000))

kept = []
threads = [threading.Thread(target=use) for _ in range(3)]
for thread in threads: thread.start()
for thread in threads: thread.join()
before = resident()
memory.release()
print(before - resident())
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc"
)
def test_memory_freed_by_threads_is_returned() -> None:
    command = [sys.executable, "-c", FREED]
    done = subprocess.run(
        command, cwd=Path(memory.__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert int(done.stdout) > 32 * MIB


GROWN = """
import ctypes, os, sys
from mmf_core.processes import process_tree, resident
from mmf_core.server import memory

if sys.argv[1:]:
    memory.bound_allocators()
bytearray(31 << 20)  # from now on glibc would keep what is smaller
before = resident()
blocks = [b"x" * (20 << 20) for _ in range(3)]
del blocks
print(resident() - before, os.environ.get("ARROW_DEFAULT_MEMORY_POOL"))
"""


@pytest.mark.skipif(
    not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="the C library is not glibc"
)
@pytest.mark.parametrize(
    ("variables", "is_bounded"),
    [
        ({}, True),
        ({"MALLOC_TRIM_THRESHOLD_": "99999999", "MALLOC_MMAP_THRESHOLD_": "33554432"}, False),
    ],
    ids=["by default", "as the operator has set"],
)
def test_glibc_returns_freed_memory(variables: dict[str, str], is_bounded: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-c", GROWN, "bound"],
        cwd=Path(memory.__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **variables},
    )
    grown, pool = done.stdout.split()
    assert (int(grown) < 8 * MIB) is is_bounded
    assert pool == "system"


def test_pyarrow_uses_the_system_allocator(monkeypatch: pytest.MonkeyPatch) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    before = pyarrow.default_memory_pool()
    monkeypatch.delenv("ARROW_DEFAULT_MEMORY_POOL", raising=False)
    monkeypatch.setenv("MALLOC_ARENA_MAX", "8")  # this process keeps its own
    try:
        memory.bound_allocators()
        assert pyarrow.default_memory_pool().backend_name == "system"
        pyarrow.set_memory_pool(before)
        monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "mimalloc")  # the operator's setting
        memory.bound_allocators()
        assert pyarrow.default_memory_pool().backend_name == before.backend_name
    finally:
        pyarrow.set_memory_pool(before)
        os.environ.pop("ARROW_DEFAULT_MEMORY_POOL", None)


RESERVED = 1 << 30  # bytes of address space that pyarrow's own allocator takes at once
PARQUET_APP = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.DataFrame(format=mmf.PARQUET))
def table(data=mmf.DataFrame()):
    return data


app = create_app(registry)
"""


def test_pyarrow_reserves_no_other_memory(tmp_path: Path) -> None:
    """Its C++ code uses the pool selected at import."""
    pytest.importorskip("pyarrow")
    content = io.BytesIO()
    pd.DataFrame({"a": np.arange(100_000.0), "b": "text"}).to_parquet(content)
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, PARQUET_APP, new_interpreter=True) as service,
    ):
        headers = {"Content-Type": "application/vnd.apache.parquet"}
        for _ in range(3):
            done = requests.post(
                f"{service.url}/table", content.getvalue(), headers=headers, timeout=LONGEST
            )
            assert done.status_code == 200
        for pid in process_tree(service.process.pid):
            ranges = Path(f"/proc/{pid}/maps").read_text().splitlines()
            ends = (line.split()[0].split("-") for line in ranges)
            assert RESERVED not in {int(end, 16) - int(start, 16) for start, end in ends}


@pytest.mark.parametrize(
    ("used", "sizes"),
    [
        (1.0, [100, 131, 133, 120, 150, 130, 10_000]),
        (0.0, [100, 101, 103, 102, 103, 105, 102, 10_000]),
    ],
    ids=["busy", "idle"],
)
def test_worker_trims_freed_memory(
    used: float, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A busy one after 32 MiB, an idle one after 2 MiB of growth."""
    left = iter(sizes)
    seconds = count()
    released: list[int] = []
    monkeypatch.setattr(memory.time, "process_time", lambda: next(seconds) * used)
    monkeypatch.setattr(memory, "resident", lambda: next(left) * MIB)
    monkeypatch.setattr(memory, "release", lambda: released.append(1))
    monkeypatch.setattr(memory, "RELEASE_INTERVAL", 1)
    monkeypatch.setattr(memory.time, "sleep", lambda _: None)
    monkeypatch.setattr(memory, "is_exceeded", lambda _: len(released) == 2)
    monkeypatch.setattr(memory.os, "kill", lambda *_: None)
    memory._watch(1)
    assert list(left) == [], "not at 131 MiB, and not at 101 and 103"


def test_resident_memory_without_proc(monkeypatch: pytest.MonkeyPatch) -> None:
    assert resident() > 10 * MIB

    def absent(_path: Path) -> bytes:
        raise FileNotFoundError

    monkeypatch.setattr(Path, "read_bytes", absent)
    assert resident() > 10 * MIB
