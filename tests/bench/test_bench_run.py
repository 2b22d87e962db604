"""A run: what is repeated, what is measured together, requests at a fixed rate, and a tiny one."""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

from baking import ROOT

Bench = Callable[[str], ModuleType]
STALL = 0.4


@pytest.mark.parametrize(
    ("shares", "kept"),
    [
        ((0.1,), 0.1),  # a tenth of a core is quiet enough
        ((0.3, 0.05), 0.05),
        ((0.3, 0.2, 0.25, 0.4), 0.2),  # three repetitions, and the quietest counts
    ],
)
def test_round_is_repeated_while_others_are_busy(
    bench: Bench, shares: tuple[float, ...], kept: float
) -> None:
    left, measured = list(shares), iter(range(9))
    share, sample = bench("run").quietest(lambda: left.pop(0), lambda: next(measured), lambda: True)
    assert (share, sample, left) == (kept, shares.index(kept), [])


def test_round_is_not_repeated_when_the_run_may_not(bench: Bench) -> None:
    left = [0.9, 0.8]
    assert bench("run").quietest(lambda: left.pop(0), lambda: "sample", lambda: False) == (
        0.9,
        "sample",
    )


def test_every_server_meets_ours_at_each_of_its_workloads(bench: Bench) -> None:
    run, servers = bench("run"), bench("servers")
    plan = run.plan([])
    met = [
        (server.name, workload.name)
        for workloads, group in plan.groups()
        for server in group
        for workload in workloads
        if workload.name in server.workloads
    ]
    expected = {(s.name, name) for s in servers.SERVERS if s.name != "ours" for name in s.workloads}
    assert set(met) == expected
    assert len(met) == len(expected)
    assert max(len(group) for _, group in plan.groups()) <= run.TOGETHER


def test_quick_run_is_short_and_not_for_the_results(bench: Bench) -> None:
    plan = bench("run").plan(["--quick"])
    assert plan.page == "quick"
    assert plan.rounds * plan.seconds * len(plan.workloads) * len(plan.servers) < 200
    assert plan.repeats == 0


def test_unknown_name_is_an_error_that_lists_them(bench: Bench) -> None:
    with pytest.raises(SystemExit, match="no such name: nginx; there are ours, "):
        bench("run").plan(["--servers", "nginx,fastapi"])


def test_percentile_is_the_value_that_the_share_does_not_exceed(bench: Bench) -> None:
    percentile = bench("open_loop").percentile
    values = [float(number) for number in range(1000, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.99, 0.999)] == [500, 990, 999]


@pytest.fixture
def stalling() -> Iterator[str]:
    """Serve at once, but nobody for a while after the ninth request."""
    answered = 0

    def serve(connection: socket.socket) -> None:
        nonlocal answered
        with connection:
            while data := connection.recv(1 << 16):
                while not data.endswith(b"[1]"):
                    data += connection.recv(1 << 16)
                with lock:
                    answered += 1
                    if answered == 10:
                        time.sleep(STALL)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]")

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    lock = threading.Lock()
    with socket.create_server(("127.0.0.1", 0), backlog=200) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        listener.shutdown(socket.SHUT_RDWR)


def test_requests_that_wait_for_a_stalled_server_are_charged_for_it(
    bench: Bench, stalling: str
) -> None:
    """A load that waits for responses would have seen a single slow one."""
    figures = bench("open_loop").Attack(stalling, b"[1]").run(100, 1.0)
    assert (figures["requests"], figures["failed"]) == (100, 0)
    assert figures["p99_ms"] > 1e3 * STALL * 0.8
    assert figures["p50_ms"] < figures["p99_ms"] / 2


def test_requests_that_nobody_serves_have_failed_and_took_for_ever(bench: Bench) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            for _ in range(10):
                listener.accept()[0].close()

        threading.Thread(target=refuse, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/x"
        figures = bench("open_loop").Attack(url, b"[1]").run(100, 0.1)
    assert (figures["failed"], figures["p50_ms"]) == (10, float("inf"))


@pytest.mark.long
@pytest.mark.skipif(not shutil.which("wrk"), reason="apt-get install wrk")
def test_tiny_run_writes_its_table(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every kind of load on one pair of servers, in the tests' own environment."""
    paths = bench("paths")
    build = paths.BUILD
    for name in ("BUILD", "MODELS", "BODIES", "LOGS", "FIGURES"):
        inside = getattr(paths, name).relative_to(build)
        monkeypatch.setattr(paths, name, tmp_path / inside)
    environments, run = bench("environments"), bench("run")

    def install(name: str, *_: Path) -> None:
        (tmp_path / name).mkdir(exist_ok=True)
        (tmp_path / name / ".venv").symlink_to((ROOT / ".venv").resolve())

    monkeypatch.setattr(environments, "install", install)
    monkeypatch.setattr(run, "WATCHED", 0.1)
    work = "one-row-1,two-workers-32,open-200,onnx-32"
    servers = "fastapi,fastapi-onnx,empty-view"
    options = ["--quick", "--servers", servers, "--only", work]
    monkeypatch.setattr("sys.argv", ["run.py", *options])
    monkeypatch.setattr("signal.signal", lambda *_: None)  # SIGTERM is the test runner's
    assert run.main() == 0
    page = (tmp_path / "quick.md").read_text(encoding="utf-8")
    for heading in ("One row, 1 connection", "One row, 200 requests/s", "The forest as ONNX"):
        assert f"## {heading}" in page
    assert "ceiling: an empty Flask view" in page
