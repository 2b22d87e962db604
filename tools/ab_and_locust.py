"""The same service under `ab` and under locust: the same body, users and number of requests.

`make bench-load` runs it with the demo project's interpreter; it needs ab (Debian: apache2-utils).
Each is run with few requests, too: the difference is what a request costs the generator itself,
without its start.
"""

import argparse
import json
import os
import re
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.request import urlopen

from demo import HOST, serving, wait_until_ready

USERS = 100
REQUESTS = 1_000
LONGEST = 600.0
NO_LIMITS = {"LOAD_P95_MS": "1e9", "LOAD_FAIL_RATIO": "1"}
AB = {
    "rps": r"Requests per second: +([\d.]+)",
    "p50": r"(?m)^ +50% +(\d+)",
    "p95": r"(?m)^ +95% +(\d+)",
    "p99": r"(?m)^ +99% +(\d+)",
    "failed": r"Failed requests: +(\d+)",
}
LOCUST = {
    "rps": r"([\d,.]+) requests/s",
    "p50": r"p50 ([\d.]+) ms",
    "p95": r"p95 ([\d.]+) ms",
    "p99": r"p99 ([\d.]+) ms",
    "failed": r"([\d,]+) failed",
}


class Seen(NamedTuple):
    """What a generator printed, and the seconds of CPU that it took."""

    figures: dict[str, float]
    cpu: float


def run(command: list[str], patterns: dict[str, str], folder: Path, **extra: str) -> Seen:
    """Run a generator to its end and read its figures."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | extra,
        capture_output=True,
        text=True,
        timeout=LONGEST,
        check=False,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise SystemExit(f"{done.stdout}{done.stderr}\n{command[0]} failed: see above")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    *_, last = done.stdout.strip().splitlines()
    text = last if patterns is LOCUST else done.stdout
    matches = {name: re.search(pattern, text) for name, pattern in patterns.items()}
    figures = {
        name: float(match[1].replace(",", "")) if match else 0 for name, match in matches.items()
    }
    if "Non-2xx" in done.stdout:
        raise SystemExit(f"{done.stdout}\nnot every response was 200: see above")
    return Seen(figures, cpu)


def only_score(project: Path, url: str) -> str:
    """Return the weights that leave the one task that ab has: /score with JSON."""
    sys.path.insert(0, str(project))
    from loadtests.calls import find_calls
    from loadtests.service import Service

    words: set[str] = set()
    for call in find_calls(Service(url)):
        words |= getattr(call, "words", frozenset())
    return ",".join(f"{word}=0" for word in sorted(words - {"targets", "score", "json"}))


def generators(project: Path, url: str, body: Path) -> dict[str, Callable[[int], Seen]]:
    """Return the command of each, for a number of requests."""
    weights = only_score(project, url)

    def ab(*options: str) -> Callable[[int], Seen]:
        fixed = ["ab", "-q", "-l", *options, "-c", str(USERS), "-p", str(body)]
        fixed += ["-T", "application/json", "-H", "Accept: application/json"]
        return lambda count: run([*fixed, "-n", str(count), f"{url}/score"], AB, project)

    def locust(count: int) -> Seen:
        users = ["--users", str(USERS), "--spawn-rate", str(USERS), "--run-time", "10m"]
        command = [sys.executable, "-m", "locust", "--headless", "--only-summary", *users]
        counted = {"LOAD_REQUESTS": str(count), "LOAD_WEIGHTS": weights}
        return run([*command, "--host", url], LOCUST, project, **NO_LIMITS, **counted)

    return {"ab": ab(), "ab -k": ab("-k"), "locust": locust}


def compare(project: Path, url: str, rounds: int) -> None:
    """Print a table: the median round of each, by requests/s."""
    with urlopen(f"{url}/openapi.json") as response:  # noqa: S310
        operation = json.load(response)["paths"]["/score"]["post"]
    rows = operation["requestBody"]["content"]["application/json"]["example"]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "score.json")
        file.write_text(json.dumps(rows), encoding="utf-8")
        every = generators(project, url, file)
        seen: dict[str, list[Seen]] = {name: [] for name in every}
        for _ in range(rounds):
            for name, generator in every.items():
                seen[name].append(generator(REQUESTS))
        starts = {name: generator(USERS).cpu for name, generator in every.items()}
    print(
        "| | requests/s | p50 ms | p95 ms | p99 ms | failed | CPU µs of the generator per request |"
    )
    print("|---|---|---|---|---|---|---|")
    for name, runs in seen.items():
        median = sorted(runs, key=lambda run: run.figures["rps"])[len(runs) // 2]
        cost = (median.cpu - starts[name]) / (REQUESTS - USERS) * 1e6
        shown = [f"{median.figures[key]:,.0f}" for key in ("rps", "p50", "p95", "p99", "failed")]
        print(f"| `{name}` | {' | '.join(shown)} | {cost:,.0f} |")


def main() -> None:
    """Serve the project and put it under both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("project", type=Path, help="the folder of an installed project")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    if not shutil.which("ab"):
        raise SystemExit("ab is missing: apt-get install apache2-utils")
    project = options.project.resolve()
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        port = listener.getsockname()[1]
    os.environ["MMF_LOG_LEVEL"] = "warning"  # a line a request would stand between the figures
    with serving(project, port) as server:
        url = f"http://{HOST}:{port}"
        wait_until_ready(server, url)
        compare(project, url, options.rounds)


if __name__ == "__main__":
    main()
