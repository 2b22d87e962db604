"""The load generator: wrk, one thread, one body over and over."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from paths import HERE

SCRIPT = HERE / "post.lua"
SLACK = 60.0


@dataclass(frozen=True)
class Load:
    """What wrk saw."""

    requests: int
    failed: int
    seconds: float
    p50_ms: float
    p99_ms: float


def wrk() -> str:
    """Return where wrk is; say how to get it where it is missing."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is missing: apt-get install wrk")
    return program


def drive(url: str, body: Path, connections: int, seconds: int) -> Load:
    """Post a body over so many connections for so long, each sending as soon as it is answered."""
    options = ["-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT)]
    done = subprocess.run(
        [wrk(), *options, url],
        env=os.environ | {"BENCH_BODY": str(body)},
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + SLACK,
    )
    return Load(**json.loads(done.stdout.splitlines()[-1]))
