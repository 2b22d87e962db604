"""Tasks in processes that crash, hang, are killed or stopped: none is lost, each ends once."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from task_services import APP, LONGEST, end_of, fetch, started, state_of, submit, until

from mmf_core.errors import CRASHED
from mmf_core.tasks.runner import RELEASE_DELAY
from services import Service, serve


@contextmanager
def serving(
    folder: Path, app: str = APP, *, quiet: bool = False, **extra: str
) -> Iterator[Service]:
    """Serve tasks from a folder; its log is printed, so that pytest shows it, unless `quiet`."""
    extra = {"MMF_TASK_WORKERS": "1"} | extra
    with Path("/dev/null" if quiet else folder / "log").open("ab") as log:
        try:
            with serve("gunicorn", folder, log, app, **extra) as service:
                yield service
        finally:
            print(Path(log.name).read_text())


def is_alive(pid: int) -> bool:
    with suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def ids(url: str) -> set[str]:
    """Return the ids of all tasks."""
    tasks = requests.get(f"{url}/tasks?limit=1000", timeout=LONGEST).json()["tasks"]
    return {task["id"] for task in tasks}


def test_task_runs_beside_the_web_workers(service: Service) -> None:
    task = submit(service.url, "double", [{"a": 1.5}])
    done = end_of(service.url, task)
    assert (done["status"], done["attempts"]) == ("succeeded", 1)
    assert fetch(service.url, task).text == "a\n3.0\n"
    assert requests.get(service.url + task["urls"]["log"], timeout=LONGEST).text == "rows: 1\n"
    metrics = requests.get(f"{service.url}/metrics", timeout=LONGEST).text
    assert 'mmf_tasks{status="succeeded"}' in metrics
    assert 'mmf_requests_total{protocol="tasks",status="204",target="double"}' in metrics


def test_responses_wait_as_long_as_preferred(service: Service) -> None:
    headers = {"Prefer": "respond-async, wait=30"}
    response = requests.post(
        f"{service.url}/double", json=[{"a": 2}], headers=headers, timeout=LONGEST
    )
    assert (response.status_code, response.text) == (200, "a\n4.0\n")
    assert "Location" not in response.headers
    task = submit(service.url, "double", [{"a": 3}])
    response = requests.get(
        service.url + task["urls"]["self"], headers={"Prefer": "wait=30"}, timeout=LONGEST
    )
    assert response.json()["status"] == "succeeded"


def test_result_that_was_delivered_is_not_kept_unless_its_id_is_known(
    service: Service,
) -> None:
    before = ids(service.url)
    headers = {"Prefer": "respond-async, wait=30"}
    for target, body, status in (("double", [{"a": 2}], 200), ("slow", 5, 504)):
        response = requests.post(
            f"{service.url}/{target}", json=body, headers=headers, timeout=LONGEST
        )
        assert response.status_code == status
    assert ids(service.url) == before
    headers["TASK-ID"] = "known"
    response = requests.post(
        f"{service.url}/double", json=[{"a": 2}], headers=headers, timeout=LONGEST
    )
    assert (response.status_code, response.headers["Location"]) == (200, "/tasks/known")
    assert ids(service.url) - before == {"known"}


def test_client_that_hangs_up_before_it_knows_the_task_ends_it(
    service: Service, tmp_path: Path
) -> None:
    def send(file: str, **headers: str) -> None:
        with pytest.raises(requests.ReadTimeout):
            requests.post(
                f"{service.url}/wait",
                json=str(tmp_path / file),
                headers={"Prefer": "respond-async, wait=30"} | headers,
                timeout=1,
            )

    before = ids(service.url)
    send("never")
    (task,) = ids(service.url) - before
    until(
        lambda: state_of(service.url, {"urls": {"self": f"/tasks/{task}"}})["status"] == "canceled"
    )
    send("known", **{"TASK-ID": "kept"})
    (tmp_path / "known").touch()
    assert end_of(service.url, {"urls": {"self": "/tasks/kept"}})["status"] == "succeeded"


def test_progress_and_log_of_a_running_task_are_visible(service: Service, tmp_path: Path) -> None:
    task = submit(service.url, "wait", str(tmp_path / "go"))
    until(lambda: started(tmp_path / "go"))
    seen = until(lambda: (now := state_of(service.url, task))["progress"] and now, longest=1.5)
    assert (seen["status"], seen["progress"], seen["message"]) == ("processing", 0.5, "waiting")
    log = requests.get(service.url + task["urls"]["log"], timeout=LONGEST).text
    assert log == "waits for go\n"
    response = fetch(service.url, task)
    assert response.status_code == 409
    assert "the task is processing: it has no result" in response.json()["detail"]
    (tmp_path / "go").touch()
    assert end_of(service.url, task)["status"] == "succeeded"


def test_running_task_is_cancelled_with_all_that_it_has_started(
    service: Service, tmp_path: Path
) -> None:
    marker = tmp_path / "started"
    task = submit(service.url, "start", str(marker))
    child = int(until(lambda: marker.exists() and marker.read_text()))
    response = requests.delete(service.url + task["urls"]["self"], timeout=LONGEST)
    assert response.json()["status"] == "canceled"
    until(lambda: not is_alive(child))
    assert fetch(service.url, task).status_code == 409
    after = submit(service.url, "double", [{"a": 1}])
    assert end_of(service.url, after)["status"] == "succeeded"


def test_function_notices_that_it_is_cancelled(service: Service, tmp_path: Path) -> None:
    task = submit(service.url, "notice", str(tmp_path / "begun"))
    until((tmp_path / "begun").exists)
    requests.post(service.url + task["urls"]["cancel"], timeout=LONGEST)
    log = service.url + task["urls"]["log"]
    until(lambda: requests.get(log, timeout=LONGEST).text == "has noticed\n")
    assert state_of(service.url, task)["status"] == "canceled"


def test_background_targets_are_only_tasks_with_a_deadline_of_their_own(service: Service) -> None:
    response = requests.post(f"{service.url}/slow", json=30, timeout=LONGEST)
    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers
    assert requests.post(f"{service.url}/slow", json=-1, timeout=LONGEST).status_code == 422
    task = end_of(service.url, response.json())
    assert (task["status"], task["error"]["status"]) == ("failed", 504)
    assert task["error"]["detail"] == "slow took longer than 1 seconds"
    assert fetch(service.url, task).status_code == 504
    response = requests.post(f"{service.url}/invocations/slow", json={}, timeout=LONGEST)
    assert "runs in the background: use POST /slow" in response.json()["message"]
    models = requests.get(f"{service.url}/v2/models", timeout=LONGEST).json()["models"]
    assert "slow" not in models


def test_function_that_ends_its_process_is_retried_and_fails_with_a_reason(
    service: Service,
) -> None:
    task = end_of(service.url, submit(service.url, "leave", 7))
    assert (task["status"], task["attempts"]) == ("failed", 3)
    assert "exit code 7" in task["error"]["detail"]


@pytest.mark.parametrize(("attempts", "status"), [(3, "succeeded"), (4, "failed")])
def test_task_runs_again_while_its_upstream_is_down(
    service: Service, tmp_path: Path, attempts: int, status: str
) -> None:
    """As often as after a crash, `retries=`."""
    body = {"file": str(tmp_path / "journal"), "attempts": attempts}
    done = end_of(service.url, submit(service.url, "depend", body))
    assert (done["status"], done["attempts"]) == (status, 3)
    response = fetch(service.url, done)
    if status == "succeeded":
        assert response.json() == {"result": 3}
    else:
        assert response.status_code == 503
        assert response.json()["detail"] == "the feature store does not respond"


def test_function_that_runs_out_of_memory_fails_alone(service: Service) -> None:
    task = end_of(service.url, submit(service.url, "allocate", {}))
    assert (task["status"], task["error"]["status"]) == ("failed", 500)
    assert end_of(service.url, submit(service.url, "double", [{"a": 1}]))["status"] == "succeeded"


def test_function_that_is_killed_each_time_fails_with_a_reason(service: Service) -> None:
    task = end_of(service.url, submit(service.url, "die", {}))
    assert (task["status"], task["attempts"]) == ("failed", 2)
    assert "SIGKILL (out of memory?)" in task["error"]["detail"]
    assert end_of(service.url, submit(service.url, "double", [{"a": 1}]))["status"] == "succeeded"


def test_exception_of_any_class_fails_a_task_immediately(service: Service) -> None:
    """Even one that is no Exception."""
    task = end_of(service.url, submit(service.url, "interrupt", {}))
    assert (task["status"], task["attempts"]) == ("failed", 1)
    assert (task["error"]["status"], task["error"]["detail"]) == (500, CRASHED)
    assert end_of(service.url, submit(service.url, "double", [{"a": 1}]))["status"] == "succeeded"


def test_function_that_forks_has_one_result(service: Service) -> None:
    task = end_of(service.url, submit(service.url, "fork", {}))
    assert (task["status"], task["attempts"]) == ("succeeded", 1)
    assert fetch(service.url, task).json() == {"result": 2}


def test_twenty_clients_with_one_id_get_one_task(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "go"

    def send(_: int) -> dict[str, Any]:
        return submit(service.url, "wait", str(file), **{"TASK-ID": "shared"})

    with ThreadPoolExecutor(20) as pool:
        tasks = list(pool.map(send, range(20)))
    assert {task["id"] for task in tasks} == {"shared"}
    file.touch()
    assert end_of(service.url, tasks[0])["attempts"] == 1
    assert len(started(file)) == 1


def test_killed_process_has_its_task_run_again(service: Service, tmp_path: Path) -> None:
    file = tmp_path / "go"
    task = submit(service.url, "wait", str(file))
    (pid,) = until(lambda: started(file))
    os.kill(pid, signal.SIGKILL)
    until(lambda: len(started(file)) == 2)
    file.touch()
    done = end_of(service.url, task)
    assert (done["status"], done["attempts"]) == ("succeeded", 2)
    assert fetch(service.url, task).json() == {"result": started(file)[1]}


@pytest.mark.parametrize("which", ["worker", "web"])
def test_killed_worker_loses_no_task(service: Service, tmp_path: Path, which: str) -> None:
    file = tmp_path / "go"
    task = submit(service.url, "wait", str(file))
    (pid,) = until(lambda: started(file))
    queued = [submit(service.url, "double", [{"a": number}]) for number in range(5)]
    worker = psutil.Process(pid).parent()
    assert worker
    if which == "worker":
        worker.kill()
        until(lambda: len(started(file)) == 2)
        assert not is_alive(pid)
    else:
        for process in psutil.Process(service.process.pid).children():
            if process.pid != worker.pid:
                process.kill()
    file.touch()
    until(lambda: requests.get(f"{service.url}/health/ready", timeout=LONGEST).ok)
    done = end_of(service.url, task)
    assert (done["status"], done["attempts"]) == ("succeeded", 2 if which == "worker" else 1)
    for number, each in enumerate(queued):
        assert end_of(service.url, each)["status"] == "succeeded"
        assert fetch(service.url, each).text == f"a\n{2.0 * number}\n"


def test_killed_service_loses_no_task(tmp_path: Path, own_engine: dict[str, str]) -> None:
    file = tmp_path / "go"
    with serving(tmp_path, **own_engine) as service:
        task = submit(service.url, "wait", str(file))
        (pid,) = until(lambda: started(file))
        queued = submit(service.url, "double", [{"a": 4}])
        processes = psutil.Process(service.process.pid).children(recursive=True)
        assert pid in {process.pid for process in processes}
        for process in [psutil.Process(service.process.pid), *processes]:
            with suppress(psutil.NoSuchProcess):  # the one that expires tasks is soon done
                process.kill()
        until(lambda: not any(is_alive(process.pid) for process in processes))
    file.touch()
    with serving(tmp_path, **own_engine) as service:
        done = end_of(service.url, task)
        assert (done["status"], done["attempts"]) == ("succeeded", 2)
        assert end_of(service.url, queued)["attempts"] == 1


def test_what_a_function_has_started_ends_with_a_worker_that_is_killed(
    service: Service, tmp_path: Path
) -> None:
    marker = tmp_path / "started"
    task = submit(service.url, "start", str(marker))
    child = int(until(lambda: marker.exists() and marker.read_text()))
    runner = psutil.Process(child).parent()
    worker = runner and runner.parent()
    assert worker
    worker.kill()
    until(lambda: not is_alive(child))
    requests.delete(service.url + task["urls"]["self"], timeout=LONGEST)
    after = submit(service.url, "double", [{"a": 1}])
    assert end_of(service.url, after)["status"] == "succeeded"


def test_processes_end_with_a_master_that_is_killed(
    tmp_path: Path, own_engine: dict[str, str]
) -> None:
    file = tmp_path / "go"
    with serving(tmp_path, **own_engine) as service:
        task = submit(service.url, "wait", str(file))
        (pid,) = until(lambda: started(file))
        worker = psutil.Process(pid).parent()
        assert worker
        os.kill(service.process.pid, signal.SIGKILL)
        until(lambda: not (is_alive(pid) or is_alive(worker.pid)))
    file.touch()
    with serving(tmp_path, **own_engine) as service:
        done = end_of(service.url, task)
        assert (done["status"], done["attempts"]) == ("succeeded", 1)  # it was put back


def test_stop_lets_a_running_task_finish(tmp_path: Path, own_engine: dict[str, str]) -> None:
    file = tmp_path / "go"
    with serving(tmp_path, **own_engine) as service:
        task = submit(service.url, "wait", str(file))
        until(lambda: started(file))
        queued = submit(service.url, "double", [{"a": 4}])
        service.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            service.process.wait(2)
        file.touch()
        assert service.process.wait(LONGEST) == 0
    with serving(tmp_path, **own_engine, MMF_TASK_WORKERS="0") as service:
        assert state_of(service.url, task)["status"] == "succeeded"
        assert state_of(service.url, queued)["status"] == "queued"


def test_stop_requeues_tasks_that_take_too_long(tmp_path: Path, own_engine: dict[str, str]) -> None:
    file = tmp_path / "go"
    with serving(tmp_path, **own_engine, WEB_GRACEFUL_TIMEOUT="3") as service:
        task = submit(service.url, "wait", str(file))
        (pid,) = until(lambda: started(file))
        service.process.terminate()
        assert service.process.wait(LONGEST) == 0
        assert not is_alive(pid)
    file.touch()
    with serving(tmp_path, **own_engine) as service:
        assert end_of(service.url, task)["attempts"] == 1


def test_reload_lets_a_running_task_finish_beside_the_new_version(
    tmp_path: Path, own_engine: dict[str, str]
) -> None:
    file = tmp_path / "go"
    (tmp_path / "main.py").write_text(MAIN)
    with serving(tmp_path, PROJECT, **own_engine, MMF_WARM_UP="0") as service:
        # Of another length: Python compares compiled files by seconds and sizes.
        (tmp_path / "main.py").write_text(MAIN.replace("OLD", "newer"))
        old = submit(service.url, "which", str(file))
        until((tmp_path / "go.begun").exists)
        service.process.send_signal(signal.SIGHUP)
        ready = tmp_path / "ready"
        ready.touch()
        until(
            lambda: (
                fetch(service.url, end_of(service.url, submit(service.url, "which", str(ready))))
                .json()["result"]
                .startswith("new")
            )
        )
        assert state_of(service.url, old)["status"] == "processing"
        file.touch()
        end_of(service.url, old)
        assert fetch(service.url, old).json()["result"] == "OLD"


MAIN = """
import os
import time

import mmf_core as mmf


@mmf.target(returns=mmf.String())
def which(file=mmf.String()):
    with open(file + ".begun", "w"):
        while not os.path.exists(file):
            time.sleep(0.01)
    return "OLD"
"""
PROJECT = """
from mmf_core.web import create_app

app = create_app("main")
"""


KEEPING = """
import os

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
kept = []


@registry.target(returns=mmf.Integer())
def keep(mib=mmf.Integer()):
    kept.append(b"x" * (mib << 20))
    return os.getpid()


app = create_app(registry)
"""


@pytest.mark.long
def test_process_that_keeps_memory_is_replaced_when_it_has_nothing_to_do(tmp_path: Path) -> None:
    with serving(tmp_path, KEEPING) as service:

        def run(mib: int) -> int:
            task = submit(service.url, "keep", mib)
            assert end_of(service.url, task)["status"] == "succeeded"
            pid: int = fetch(service.url, task).json()["result"]
            return pid

        first = run(1)
        assert run(100) == first, "nothing is lost by the next task"
        until(lambda: not is_alive(first))
        second = run(1)
        assert second != first
        time.sleep(2 * RELEASE_DELAY)
        assert run(1) == second
