"""Lifecycle of a service with gRPC: workers, reloads, deadlines, certificates."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event
from typing import Any

import grpc
import psutil
import pytest
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_service import APP, SERVICE, Stub, connected, running, values

from baking import PAYLOAD
from commands import free_port, wait_until
from services import Service, start_python

UNAVAILABLE = grpc.StatusCode.UNAVAILABLE
Served = tuple[Service, int, Path]


def start_waiting(stub: Stub, file: Path, **options: Any) -> Any:
    """Start a call that ends when a file exists."""
    call, _ = stub.method("ModelInfer")
    request = stub.typed("wait", "file", "BYTES", [1], bytes_contents=[str(file).encode()])
    return call.future(request, **{"timeout": 60, **options})


def started_calls(file: Path) -> int:
    """Return how many calls have started to wait for a file."""
    marks = Path(f"{file}.started")
    return marks.stat().st_size if marks.exists() else 0


def pid_of(stub: Stub) -> int:
    """Return the process id of the worker that responds."""
    return int(values(stub.infer(stub.request("worker")))[0])


# Clients that disconnect


@pytest.mark.parametrize("ending", ["cancel", "deadline"])
def test_queued_call_is_dropped_when_its_client_is_gone(
    stub: Stub, tmp_path: Path, ending: str
) -> None:
    file = tmp_path / "file"
    first = start_waiting(stub, file)
    wait_until(lambda: started_calls(file) == 1)
    second = start_waiting(stub, file, timeout=0.5 if ending == "deadline" else 60)
    time.sleep(0.2)
    if ending == "cancel":
        second.cancel()
    else:
        assert second.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    time.sleep(0.8)  # longer than the interval at which a queued request checks its client
    file.touch()
    assert first.result().outputs
    time.sleep(0.2)
    assert started_calls(file) == 1


def test_cancelled_call_is_logged_as_499(stub: Stub, served: Served, tmp_path: Path) -> None:
    file = tmp_path / "file"
    first = start_waiting(stub, file)
    wait_until(lambda: started_calls(file) == 1)
    second = start_waiting(stub, file, metadata=[("x-request-id", f"cancelled-{os.getpid()}")])
    time.sleep(0.2)
    second.cancel()
    wait_until(lambda: f'"request_id":"cancelled-{os.getpid()}"' in served[2].read_text())
    (line,) = [row for row in served[2].read_text().splitlines() if "cancelled-" in row]
    assert '"status":499' in line
    file.touch()
    first.result()


def test_call_queued_for_a_thread_is_dropped_at_its_deadline(tmp_path: Path) -> None:
    settings = {"WEB_CONCURRENCY": "1", "MMF_GRPC_THREADS": "1"}
    app, file = APP.replace(", max_concurrency=1", ""), tmp_path / "file"
    with running(tmp_path, app, **settings) as (_, port), connected(port) as stub:
        first = start_waiting(stub, file)
        wait_until(lambda: started_calls(file) == 1)
        second = start_waiting(stub, file, metadata=[("x-request-id", "impatient")], timeout=0.5)
        assert second.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        file.touch()
        assert first.result().outputs
        wait_until(lambda: '"request_id":"impatient"' in (tmp_path / "log").read_text())
        (line,) = [row for row in (tmp_path / "log").read_text().splitlines() if "impatient" in row]
        assert '"status":499' in line
        assert started_calls(file) == 1


def test_slow_targets_delay_no_health_check(tmp_path: Path) -> None:
    settings = {"WEB_CONCURRENCY": "1", "MMF_GRPC_THREADS": "2"}
    file = tmp_path / "file"
    app = APP.replace(", max_concurrency=1", "")
    with running(tmp_path, app, **settings) as (_, port), connected(port) as stub:
        stub.call("ServerLive")
        calls = [start_waiting(stub, file) for _ in range(20)]  # more than there are places
        wait_until(lambda: started_calls(file) == 2)
        started = time.monotonic()
        health = health_pb2_grpc.HealthStub(stub.channel)
        for _ in range(20):
            assert health.Check(health_pb2.HealthCheckRequest(), timeout=5).status == 1
            assert stub.call("ServerReady").ready
        assert time.monotonic() - started < 5
        for call in calls[5:]:
            call.cancel()
        file.touch()
        for call in calls[:5]:
            assert call.result().outputs
        assert pid_of(stub)


# Workers


def test_workers_share_the_connections(served: Served) -> None:
    counts: Counter[int] = Counter()
    for _ in range(64):
        with connected(served[1]) as stub:
            counts[pid_of(stub)] += 1
    assert len(counts) == 2
    assert min(counts.values()) >= 16


def test_gunicorn_master_does_not_load_grpc(served: Served) -> None:
    master = served[0].process.pid
    workers = psutil.Process(master).children()
    loaded = {pid: "cygrpc" in Path(f"/proc/{pid}/maps").read_text() for pid in map(_pid, workers)}
    assert [*loaded.values()] == [True, True]
    assert "cygrpc" not in Path(f"/proc/{master}/maps").read_text()


def _pid(process: psutil.Process) -> int:
    return process.pid


def test_grpc_is_not_loaded_without_a_port(tmp_path: Path) -> None:
    with running(tmp_path, MMF_GRPC_PORT="") as (service, port):
        wait_until(lambda: len(psutil.Process(service.process.pid).children()) == 2)
        processes = [
            service.process.pid,
            *map(_pid, psutil.Process(service.process.pid).children()),
        ]
        maps = [Path(f"/proc/{pid}/maps").read_text() for pid in processes]
        assert not any("cygrpc" in text or "_upb" in text for text in maps)
        path = f"{service.url}/{SERVICE}/ServerLive"
        assert requests.post(path, timeout=10).status_code == 404
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(f"/{SERVICE}/ServerLive")(b"", timeout=5)
            assert refused.value.code() is UNAVAILABLE


def test_sigterm_reports_not_serving_then_finishes_running_calls(tmp_path: Path) -> None:
    file, finished = tmp_path / "file", Event()
    with running(tmp_path, WEB_CONCURRENCY="1", MMF_DRAIN_SECONDS="1") as (service, port):
        with connected(port) as stub, connected(port) as idle:
            health = health_pb2_grpc.HealthStub(stub.channel)
            watch = health.Watch(health_pb2.HealthCheckRequest(), timeout=60)
            assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
            messages = held_open(idle.request("worker"), finished)
            stream = idle.method("ModelStreamInfer")[0](messages)
            assert next(stream).infer_response.outputs
            call = start_waiting(stub, file)
            wait_until(lambda: started_calls(file) == 1)
            started = time.monotonic()
            os.kill(service.process.pid, signal.SIGTERM)
            assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
            assert time.monotonic() - started < 0.9
            assert pid_of(stub), "it still accepts calls"
            assert not stub.call("ServerReady").ready
            with pytest.raises(grpc.RpcError) as ended:
                next(stream)
            assert ended.value.code() is UNAVAILABLE
            assert time.monotonic() - started >= 0.9
            assert not call.done()
            file.touch()
            assert call.result().outputs
            finished.set()
            service.process.wait(10)
        assert service.process.poll() == 0


def held_open(request: Any, finished: Event) -> Iterator[Any]:
    """Yield a request, then keep the stream open until the test ends."""
    yield request
    finished.wait(60)


# Reloads


def test_reload_loses_no_call(tmp_path: Path) -> None:
    lost: list[str] = []
    workers: set[int] = set()
    with running(tmp_path) as (service, port), ExitStack() as stack:
        stubs = [stack.enter_context(connected(port)) for _ in range(4)]
        end = time.monotonic() + 8

        def call_again(stub: Stub) -> int:
            count = 0
            while time.monotonic() < end:
                try:
                    workers.add(pid_of(stub))
                except grpc.RpcError as error:
                    lost.append(f"{error.code()}: {error.details()}")
                count += 1
            return count

        def connect_again(_: int) -> int:
            count = 0
            while time.monotonic() < end:
                with grpc.insecure_channel(
                    f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)]
                ) as channel:
                    try:
                        channel.unary_unary(f"/{SERVICE}/ServerLive")(b"", timeout=20)
                    except grpc.RpcError as error:
                        lost.append(f"new connection, {error.code()}: {error.details()}")
                count += 1
            return count

        with ThreadPoolExecutor(6) as pool:
            counts = [pool.submit(call_again, stub) for stub in stubs]
            counts += [pool.submit(connect_again, number) for number in range(2)]
            for _ in range(2):
                time.sleep(1.5)
                os.kill(service.process.pid, signal.SIGHUP)
        call_counts = [count.result() for count in counts]
        print(f"{sum(call_counts)} calls, {call_counts}")
    assert lost == []
    assert len(workers) >= 4


# Failed starts


def failed_start(folder: Path, **settings: str) -> str:
    """Start a service that must not start; return its output."""
    (folder / "app.py").write_text(APP)
    (folder / "model.bin").write_bytes(b"")
    environment = {name: text for name, text in os.environ.items() if not name.startswith("MMF_")}
    environment |= {"PYTHONPATH": str(PAYLOAD), "WEB_HOST": "127.0.0.1", "PORT": str(free_port())}
    with (folder / "log").open("wb") as log:
        command = ["-m", "gunicorn", "-c", str(PAYLOAD / "gunicorn.conf.py"), "app:app"]
        process = start_python(command, cwd=folder, env=environment | settings, output=log)
    assert process.wait(30) != 0
    printed = (folder / "log").read_text()
    assert "Traceback" not in printed
    return printed


def test_second_service_on_the_port_does_not_start(served: Served, tmp_path: Path) -> None:
    printed = failed_start(tmp_path, MMF_GRPC_PORT=str(served[1]))
    assert f"MMF_GRPC_PORT={served[1]} on 127.0.0.1: Address already in use" in printed


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"MMF_GRPC_PORT": "70000"}, "MMF_GRPC_PORT='70000': expected a port, 1 to 65535"),
        ({"MMF_GRPC_PORT": "9999", "PORT": "9999"}, "MMF_GRPC_PORT=9999: this is the port of HTTP"),
        ({"MMF_GRPC_PORT": "9999", "MMF_GRPC_CERT": "log"}, "MMF_GRPC_KEY is not set: TLS needs"),
        (
            {"MMF_GRPC_PORT": "9999", "MMF_GRPC_CERT": "log", "MMF_GRPC_KEY": "none"},
            "MMF_GRPC_KEY='none': file not found",
        ),
        (
            {"MMF_GRPC_PORT": "9999", "MMF_GRPC_CERT": "app.py", "MMF_GRPC_KEY": "app.py"},
            "MMF_GRPC_CERT, MMF_GRPC_KEY: expected PEM files of a pair",
        ),
    ],
)
def test_invalid_settings_stop_the_start_of_grpc(
    tmp_path: Path, settings: dict[str, str], words: str
) -> None:
    assert words in failed_start(tmp_path, **settings)


def test_port_variable_of_kubernetes_is_ignored(tmp_path: Path) -> None:
    with running(tmp_path, MMF_GRPC_PORT="tcp://10.0.0.1:9000") as (service, _):
        assert requests.get(f"{service.url}/health/ready", timeout=10).ok


# Certificates


def test_service_with_a_certificate_speaks_tls_only(tmp_path: Path) -> None:
    files = {"MMF_GRPC_KEY": str(tmp_path / "key"), "MMF_GRPC_CERT": str(tmp_path / "certificate")}
    options = ("-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days", "2")
    names = ("-addext", "subjectAltName=IP:127.0.0.1")
    output = ("-keyout", files["MMF_GRPC_KEY"], "-out", files["MMF_GRPC_CERT"])
    subprocess.run(["openssl", "req", *options, *names, *output], check=True, capture_output=True)
    with running(tmp_path, WEB_CONCURRENCY="1", **files) as (_, port):
        root = Path(files["MMF_GRPC_CERT"]).read_bytes()
        with grpc.secure_channel(
            f"127.0.0.1:{port}", grpc.ssl_channel_credentials(root)
        ) as channel:
            assert Stub(channel).call("ServerLive").live
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            with pytest.raises(grpc.RpcError) as refused:
                channel.unary_unary(f"/{SERVICE}/ServerLive")(b"", timeout=5)
            assert refused.value.code() is UNAVAILABLE


# Load


@pytest.mark.long
@pytest.mark.parametrize("method", ["ModelInfer", "ModelStreamInfer"])
def test_thousand_streams_at_once(tmp_path: Path, method: str) -> None:
    client = Path(__file__).with_name("many_streams.py")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    with running(tmp_path) as (_, port):
        command = [sys.executable, str(client), str(port), method, "1000"]
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=300, check=False, env=environment
        )
        print(done.stdout, done.stderr)
        assert done.returncode == 0
        assert done.stdout.strip() == "1000 streams, 3000 correct responses"
