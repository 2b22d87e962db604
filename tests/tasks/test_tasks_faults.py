"""Tasks where the disk is full, a clock jumps, or a function floods its log."""

import resource
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
import requests
from task_services import ASYNC, LONGEST, end_of, fetch, started, state_of, submit, until
from test_tasks_processes import serving

from services import Service

UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
CLOCKS = """
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
jump = 0.0
real = time.time


def jumped():
    try:
        with open("jump") as file:
            return real() + float(file.read())
    except (OSError, ValueError):
        return real()


time.time = jumped


@registry.target(returns=mmf.Float())
def sleep(seconds=mmf.Float()):
    time.sleep(seconds)
    return seconds


app = create_app(registry)
"""


def limit_files(service: Service, limits: tuple[int, int]) -> None:
    """Have all processes of a service write to no file beyond a size, as to a full disk."""
    master = psutil.Process(service.process.pid)
    for process in [master, *master.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess, ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, limits)


def test_full_disk_rejects_new_tasks_and_keeps_running_ones(tmp_path: Path) -> None:
    file = tmp_path / "go"
    with serving(tmp_path, quiet=True) as service:
        task = submit(service.url, "wait", str(file))
        until(lambda: started(file))
        limit_files(service, (4096, resource.RLIM_INFINITY))
        url = f"{service.url}/double"
        refused = requests.post(url, json=[{"a": 1}], headers=ASYNC, timeout=LONGEST)
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
        assert "set MMF_TASKS_DIR" in refused.json()["detail"]
        large = requests.post(
            f"{service.url}/length",
            data=bytes(2_000_000),
            headers=ASYNC | {"Content-Type": "application/octet-stream"},
            timeout=LONGEST,
        )
        assert large.status_code == 503
        assert not list((tmp_path / ".tasks" / "files").glob("*"))
        assert requests.post(url, json=[{"a": 1}], timeout=LONGEST).status_code == 200
        assert requests.get(f"{service.url}/health/ready", timeout=LONGEST).status_code == 200
        file.touch()
        with pytest.raises(AssertionError, match="not come true"):
            until(lambda: state_of(service.url, task)["status"] != "processing", longest=1.5)
        limit_files(service, UNLIMITED)
        done = end_of(service.url, task)
        assert (done["status"], done["attempts"]) == ("succeeded", 1)
        assert len(started(file)) == 1
        assert end_of(service.url, submit(service.url, "double", [{"a": 1}]))["attempts"] == 1


def test_clock_that_jumps_neither_loses_nor_repeats_a_task(tmp_path: Path) -> None:
    with serving(tmp_path, CLOCKS) as service:
        for jump in (3600.0, -7200.0, 86400.0 * 30):
            task = submit(service.url, "sleep", 1.0)
            until(lambda task=task: state_of(service.url, task)["status"] == "processing")  # type: ignore[misc]
            (tmp_path / "jump").write_text(str(jump))
            done = end_of(service.url, task)
            assert (done["status"], done["attempts"]) == ("succeeded", 1)
            assert 1 <= done["metrics"]["predict_time"] < 30
            assert fetch(service.url, task).json() == {"result": 1.0}


def test_function_that_floods_its_log_keeps_both_ends(service: Service) -> None:
    task = end_of(service.url, submit(service.url, "flood", 10_000))
    assert task["status"] == "succeeded"
    log = requests.get(service.url + task["urls"]["log"], timeout=LONGEST).text
    assert log.startswith("line 0 ")
    assert log.endswith(f"line 9999 {'x' * 100}\n")
    assert "characters left out" in log
    assert len(log) < 600_000


@pytest.mark.long
def test_function_that_prints_100_mb_keeps_both_ends(service: Service) -> None:
    task = end_of(service.url, submit(service.url, "flood?size=1000000", 100))
    assert (task["status"], task["attempts"]) == ("succeeded", 1)
    log = requests.get(service.url + task["urls"]["log"], timeout=LONGEST).text
    assert log.startswith("line 0 ")
    assert "line 99 " in log
    assert len(log) < 600_000


def test_function_that_closes_the_queues_descriptors_has_crashed(
    service: Service, tmp_path: Path
) -> None:
    """The queue was blocked for good, or written to the files that have those numbers since."""
    task = end_of(service.url, submit(service.url, "close_descriptors", str(tmp_path)))
    assert (task["status"], task["attempts"]) == ("failed", 2)
    assert "has closed file descriptors" in task["error"]["detail"]
    assert {file.read_bytes() for file in tmp_path.iterdir()} == {b""}
    after = end_of(service.url, submit(service.url, "double", [{"a": 1}]))
    assert (after["status"], after["attempts"]) == ("succeeded", 1)
