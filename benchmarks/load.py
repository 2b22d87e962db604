"""The load generators: wrk, one thread, one body over and over; open_loop.py at a fixed rate."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from paths import HERE
from workloads import Workload

SLACK = 60.0


@dataclass(frozen=True)
class Load:
    """What the generator saw; times in milliseconds."""

    requests: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float
    p999_ms: float
    late_ms: float = 0.0


def wrk() -> str:
    """Return the path of wrk; if it is missing, exit with a hint how to install it."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    return program


def drive(url: str, body: Path, workload: Workload, seconds: int, prefix: list[str]) -> Load:
    """Post a body as the workload defines; `prefix` begins the generator's command."""
    if workload.rate:
        options = (str(HERE / "open_loop.py"), url, str(body), str(workload.rate), str(seconds))
        command = [sys.executable, *options]
    else:
        length = ("-t1", f"-c{workload.connections}", f"-d{seconds}s", "--timeout", "10s")
        command = [wrk(), *length, "-s", str(HERE / "post.lua"), url]
    done = subprocess.run(
        prefix + command,
        env=os.environ | {"BENCH_BODY": str(body)},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + SLACK,
    )
    return Load(**json.loads(done.stdout.splitlines()[-1]))
