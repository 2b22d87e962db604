"""locust on a project: its page, several processes, the knee, and its failure reports."""

import csv
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from commands import LONGEST_START, Project, free_port, stop, wait_until_ready

UNREACHABLE = "http://127.0.0.1:1"
PROTOCOLS = ("invocations", "v2")
HEADLESS = ("locust", "--headless", "--only-summary")


@pytest.fixture(scope="module")
def url(installed: Project) -> Iterator[str]:
    port = free_port()
    with installed.serving("gunicorn", "-w", "1", "app:app", port=port, PORT=str(port)) as url:
        yield url


@pytest.mark.long
def test_several_processes_give_one_verdict(installed: Project, url: str) -> None:
    options = ("--processes", "2", "--users", "2", "--run-time", "8s", "--host", url)
    printed = installed.run(*HEADLESS, *options, LOAD_P95_MS="60000")
    assert printed.count("load test passed: ") == 1
    assert "2 workers connected" in printed


@pytest.mark.long
def test_requests_follow_the_weights(installed: Project, url: str) -> None:
    words = "colour=0,mlflow=1,v2=1"
    extra = {
        "LOAD_REQUESTS": "60",
        "LOAD_WEIGHTS": words,
        "LOAD_P95_MS": "60000",
        "LOAD_USERS": "3",
    }
    printed = installed.run("python", "loadtests/run.py", LOAD_HOST=url, LOAD_SECONDS="60", **extra)
    assert "load test passed: 60 requests" in printed
    results = installed.folder / "loadtests" / "results"
    with (results / "load_stats.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["Name"]: int(row["Request Count"]) for row in csv.DictReader(file)}
    assert rows.pop("Aggregated") == sum(rows.values()) == 60
    assert not [name for name in rows if name.startswith("/colour")]
    assert {name.split()[0].split("/")[1] for name in rows} <= {*("score", "explain"), *PROTOCOLS}
    assert "window.templateArgs" in (results / "report.html").read_text(encoding="utf-8")


@pytest.mark.long
def test_knee(installed: Project, url: str) -> None:
    extra = {"LOAD_SHAPE": "steps", "LOAD_STEP_SECONDS": "1", "LOAD_P95_MS": "60000"}
    printed = installed.run(*HEADLESS, "--host", url, **extra)
    assert re.search(r"1 users: [\d,]+ requests, .*\n +2 users: ", printed)
    assert re.search(r"(?m)^knee: \d+ users; stopped: .+\nload test passed: ", printed)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({}, f"load test FAILED: {UNREACHABLE} cannot be reached: [Errno 111] Connection refused"),
        ({"LOAD_P95_MS": "fast"}, "LOAD_P95_MS: expected a number of at least 0, got 'fast'"),
    ],
)
def test_startup_failure_is_one_line(
    installed: Project, extra: dict[str, str], message: str
) -> None:
    printed = installed.fails(*HEADLESS, "--run-time", "1s", "--host", UNREACHABLE, **extra)
    assert printed.strip().splitlines()[-1] == message


@pytest.mark.long
def test_limits_determine_the_verdict(installed: Project, url: str) -> None:
    extra = {"LOAD_REQUESTS": "5", "LOAD_P95_MS": "0.001", "LOAD_MIN_RPS": "1e9"}
    printed = installed.fails(*HEADLESS, "--users", "1", "--host", url, **extra)
    last = printed.strip().splitlines()[-1]
    assert last.startswith("load test FAILED: p95 ")
    assert "requests/s < LOAD_MIN_RPS=1e+09" in last


def post(url: str, **form: str) -> None:
    body = urllib.parse.urlencode(form).encode()
    urllib.request.urlopen(url, body, timeout=LONGEST_START).close()


def read(page: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{page}/stats/requests", timeout=LONGEST_START) as response:
        stats: dict[str, Any] = json.load(response)
    return stats


def wait_for(page: str, key: str, text: str) -> None:
    """Wait until locust's statistics contain a text."""
    end = time.monotonic() + LONGEST_START
    while text not in str(read(page)[key]):
        assert time.monotonic() < end, f"{text} is not in {read(page)}"
        time.sleep(0.1)


@pytest.mark.long
def test_web_page_defaults_and_input(installed: Project, url: str) -> None:
    port = free_port()
    command = (str(installed.bin / "locust"), "--web-port", str(port))
    process = subprocess.Popen(
        command, cwd=installed.folder, env=installed.environment(), start_new_session=True
    )
    page = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(process, page)
        with urllib.request.urlopen(page, timeout=LONGEST_START) as response:
            match = re.search(r"window\.templateArgs = (\{.*\})", response.read().decode())
        assert match
        filled = json.loads(match[1])
        assert [filled["host"], filled["num_users"]] == ["http://127.0.0.1:8000", 10]
        assert [filled["spawn_rate"], filled["run_time"]] == [10, 30]
        post(f"{page}/swarm", user_count="1", spawn_rate="1", host=UNREACHABLE)
        wait_for(page, "errors", "refused")
        post(f"{page}/stop")
        wait_for(page, "state", "stopped")
        post(f"{page}/swarm", user_count="1", spawn_rate="1", host=url)
        wait_for(page, "stats", "/score (json)")
    finally:
        stop(process)
