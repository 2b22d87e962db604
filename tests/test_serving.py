"""A real gunicorn with the project's gunicorn.conf.py."""

import json
import runpy
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from baking import PAYLOAD
from commands import Project, free_port, stop, wait_until, wait_until_ready
from test_service import instructions

CONFIG = PAYLOAD / "gunicorn.conf.py"

# An application that reports what it sees.
PROBE = """
import gc, json, os, pathlib, sys, time

early = "numpy" in sys.modules  # imported by gunicorn.conf.py: too early for its threads
with pathlib.Path("loads").open("a") as file:
    file.write(f"{os.getpid()}\\n")

import numpy
from threadpoolctl import threadpool_info

def app(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        pathlib.Path("begun").touch()
        while not pathlib.Path("go on").exists():
            time.sleep(0.01)
    start_response("200 OK", [("Content-Type", "application/json")])
    seen = {
        "pid": os.getpid(), "master": os.getppid(), "frozen": gc.get_freeze_count(), "early": early,
        "threads": [pool["num_threads"] for pool in threadpool_info()],
        "omp": os.environ["OMP_NUM_THREADS"],
    }
    return [json.dumps(seen).encode()]
"""


@contextmanager
def probe(installed: Project, folder: Path, *options: str, **extra: str) -> Iterator[Any]:
    """Serve PROBE by the project's gunicorn.conf.py; gives the process and its port."""
    folder.mkdir(exist_ok=True)
    (folder / "probe.py").write_text(PROBE, encoding="utf-8")
    environment = installed.environment(PORT=str(free_port()), WEB_HOST="127.0.0.1")
    for name in [name for name in environment if name.endswith("_NUM_THREADS")]:
        del environment[name]
    config = str(installed.folder / "gunicorn.conf.py")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [installed.bin / "gunicorn", "-c", config, *options, "probe:app"],
            cwd=folder,
            env=environment | extra,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{environment['PORT']}/")
        yield process, int(environment["PORT"])
    finally:
        stop(process)
        print((folder / "log").read_text())


def fetch_report(port: int) -> dict[str, Any]:
    """Return the probe's report."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as response:
        report: dict[str, Any] = json.load(response)
        return report


def children(pid: int) -> set[int]:
    """Find the processes that `pid` has started."""
    ids = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return {int(child) for child in ids.split()}


@pytest.mark.parametrize(
    ("options", "extra", "workers"),
    [
        ((), {"WEB_CONCURRENCY": "3"}, 3),
        (("-w", "4"), {"WEB_CONCURRENCY": "3"}, 4),
        (("--workers=1",), {}, 1),
        ((), {"GUNICORN_CMD_ARGS": "--workers 2 --access-logfile -"}, 2),
    ],
    ids=["WEB_CONCURRENCY", "-w 4", "--workers=1", "GUNICORN_CMD_ARGS"],
)
def test_model_is_loaded_once_for_all_workers(
    installed: Project, tmp_path: Path, options: list[str], extra: dict[str, str], workers: int
) -> None:
    with probe(installed, tmp_path, *options, **extra) as (process, port):
        report = fetch_report(port)
        # The last worker is still being forked when the first responds.
        wait_until(lambda: len(children(process.pid)) == workers)
    assert (tmp_path / "loads").read_text() == f"{process.pid}\n", "loaded once, by the master"
    assert report["master"] == process.pid
    assert report["pid"] != process.pid
    assert report["frozen"] > 10_000
    assert not report["early"]
    threads = max(1, runpy.run_path(str(CONFIG))["cores"] // workers)
    assert report["omp"] == str(threads)
    assert report["threads"], "numpy has a pool of threads"
    assert set(report["threads"]) == {threads}
    assert '"GET / ' not in (tmp_path / "log").read_text(), "the access line is the application's"


@pytest.mark.long
def test_configured_threads_are_kept(installed: Project, tmp_path: Path) -> None:
    with probe(installed, tmp_path, OMP_NUM_THREADS="7") as (_, port):
        assert fetch_report(port)["omp"] == "7"


def test_sigterm_finishes_requests(installed: Project, tmp_path: Path) -> None:
    with probe(installed, tmp_path, WEB_CONCURRENCY="2", WEB_GRACEFUL_TIMEOUT="9") as (
        process,
        port,
    ):
        # A worker forked during SIGTERM does not receive it and is finally killed.
        responded: set[int] = set()
        wait_until(lambda: responded.add(fetch_report(port)["pid"]) or len(responded) == 2)
        connection = HTTPConnection("127.0.0.1", port, timeout=20)
        connection.request("GET", "/slow")
        wait_until((tmp_path / "begun").exists)
        start = time.monotonic()
        process.send_signal(signal.SIGTERM)
        (tmp_path / "go on").touch()
        response = connection.getresponse()
        assert response.status == 200
        assert response.read()
        connection.close()
        assert process.wait(9) == 0
        assert time.monotonic() - start < 9


def test_no_control_socket(installed: Project, tmp_path: Path) -> None:
    with probe(installed, tmp_path, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path)):
        time.sleep(0.5)  # it would be created after the first workers
        assert not list(tmp_path.rglob("gunicorn.ctl"))


def test_invalid_value_is_one_line(installed: Project) -> None:
    done = subprocess.run(
        [installed.bin / "gunicorn", "--check-config", "app:app"],
        cwd=installed.folder,
        env=installed.environment(PORT="abc"),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "PORT must be a whole number, 1 to 65535, not 'abc'\n"


def health_check(baked: Path) -> str:
    """Return the Python of the image's health check."""
    command = instructions(baked, "HEALTHCHECK")[0].partition("CMD ")[2]
    python, option, code = json.loads(command)
    assert (python, option) == ("python", "-c")
    return str(code)


def test_health_check_of_the_image(installed: Project) -> None:
    command = [sys.executable, "-c", health_check(installed.folder)]
    port = str(free_port())
    environment = installed.environment(PORT=port, http_proxy="http://127.0.0.1:1")
    start = ("gunicorn", "-w", "1", "app:app")
    with installed.serving(*start, port=int(port), PORT=port, WEB_HOST="127.0.0.1"):
        assert subprocess.run(command, env=environment, check=False).returncode == 0
    ended = subprocess.run(command, env=environment, check=False, capture_output=True)
    assert ended.returncode == 1


@pytest.mark.long
def test_make_load_starts_the_service(installed: Project) -> None:
    quick = {"LOAD_USERS": "2", "LOAD_SECONDS": "3"}
    assert "load test passed" in installed.run("make", "load", **quick, LOAD_P95_MS="60000")
