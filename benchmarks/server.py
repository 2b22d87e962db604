"""A running server: started, called, checked, measured, ended."""

from __future__ import annotations

import json
import math
import os
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import processes
from paths import BODIES, LOGS
from servers import HOST, Record, Server, Task, free_port
from workloads import Workload

from load import Load, drive

LONGEST_START = 120.0
AT_ONCE = 16
# One thread of linear algebra per worker: for everybody.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
JSON = {"Content-Type": "application/json", "Accept": "application/json"}
TOLERANCE = {"forest_onnx": 1e-4}
"""Of a model in float32, beside the forest in float64; others are exact to 1e-9 of their size."""


@dataclass(frozen=True)
class Sample:
    """One measurement."""

    rps: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    late_ms: float
    cpu_us: float
    failed: int


@dataclass
class Running:
    """A server and the model that it serves now."""

    server: Server
    task: Task
    process: subprocess.Popen[bytes]
    log: Path
    seconds_to_start: float = math.nan

    @property
    def url(self) -> str:
        """The URL of predictions."""
        route = self.server.route.format(model=self.task.model)
        return f"http://{HOST}:{self.task.port}{route}"

    def call(self, rows: list[Record]) -> list[float]:
        """Return the predictions of some rows."""
        body = json.dumps(self.server.body(rows)).encode()
        request = urllib.request.Request(self.url, body, JSON)  # noqa: S310 - our own server
        with urllib.request.urlopen(request, timeout=LONGEST_START) as response:  # noqa: S310
            return self.server.predictions(json.load(response))

    def check(self, rows: list[Record], expected: list[float]) -> None:
        """Compare with the model itself: tables of three sizes, and many single rows at once."""
        for count in (1, 100, len(rows)):
            self._compare(self.call(rows[:count]), expected[:count])
        with ThreadPoolExecutor(AT_ONCE) as threads:
            singly = threads.map(lambda row: self.call([row]), rows[: 4 * AT_ONCE])
            for actual, prediction in zip(singly, expected, strict=False):
                self._compare(actual, [prediction])

    def _compare(self, actual: list[float], expected: list[float]) -> None:
        if self.server.ceiling:
            return
        tolerance = TOLERANCE.get(self.task.model, 0.0)
        same = len(actual) == len(expected) and all(
            math.isclose(*pair, abs_tol=tolerance) for pair in zip(actual, expected, strict=True)
        )
        if not same:
            raise SystemExit(f"{self.server.name}: expected {expected[:3]}…, got {actual[:3]}…")

    def measure(self, workload: Workload, rows: list[Record], seconds: int) -> Sample:
        """Put the server under a load."""
        body = BODIES / f"{self.server.name}-{workload.rows}.json"
        body.parent.mkdir(parents=True, exist_ok=True)
        body.write_text(json.dumps(self.server.body(rows[: workload.rows])), encoding="utf-8")
        spent = processes.cpu_seconds(self.process.pid)
        generator = processes.pinned(self.task.workers, processes.cores()[1])
        load = drive(self.url, body, workload, seconds, generator)
        spent = processes.cpu_seconds(self.process.pid) - spent
        processes.settle(self.process.pid)  # wrk does not wait for the last responses
        return _sample(load, spent)

    def memory(self) -> int:
        """Return the bytes of all its processes, shared ones counted once."""
        return processes.memory(self.process.pid)


def _sample(load: Load, cpu_seconds: float) -> Sample:
    succeeded = load.requests - load.failed
    return Sample(
        rps=succeeded / load.seconds,
        p50_ms=load.p50_ms,
        p99_ms=load.p99_ms,
        p999_ms=load.p999_ms,
        late_ms=load.late_ms,
        cpu_us=cpu_seconds / max(1, succeeded) * 1e6,
        failed=load.failed,
    )


@contextmanager
def running(
    server: Server, model: str, workers: int, rows: list[dict[str, float]]
) -> Iterator[Running]:
    """Run a server for as long as the block lasts; it has predicted one row when that begins."""
    task = Task(model, free_port(), workers)
    start = server.start(task)
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"{server.name}.log"
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            processes.pinned(workers, processes.cores()[0]) + start.command,
            cwd=start.folder,
            env=_environment() | start.settings,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        service = Running(server, task, process, log)
        _wait(service, rows[:1], began)
        service.seconds_to_start = time.perf_counter() - began
        yield service
    finally:
        processes.end(process)


def _environment() -> dict[str, str]:
    """Return our own environment without what would change a server's ways."""
    changing = (
        *("GUNICORN_", "UVICORN_", "WEB_", "MMF_", "MLSERVER_", "MLFLOW_", "BENTOML_"),
        "PYTHONDONTWRITEBYTECODE",  # everything would be compiled at every start
    )
    kept = {key: value for key, value in os.environ.items() if not key.startswith(changing)}
    return kept | ONE_THREAD


def _wait(server: Running, rows: list[Record], began: float) -> None:
    while time.perf_counter() - began < LONGEST_START:
        if server.process.poll() is not None:
            break
        try:
            server.call(rows)
        except (OSError, ValueError):
            time.sleep(0.02)
        else:
            return
    tail = server.log.read_text(encoding="utf-8", errors="replace")[-2000:]
    raise SystemExit(f"{tail}\n{server.server.name} did not start: see above")
