"""Targets with a schedule: each time once, whatever workers and clocks do."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from task_services import ASYNC, LONGEST, Queue, fetch, until

import mmf_core as mmf
from mmf_core.tasks import schedules
from mmf_core.tasks.errors import TasksUnavailable
from mmf_core.tasks.schedules import Schedules
from mmf_core.web import create_app
from services import serve

HOUR = 3600.0
NOON = 1_800_014_400.0  # 2027-01-15 12:00 UTC
EVERY_MINUTE = """
import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.String(), schedule="* * * * *")
def tick(text=mmf.String(default="by itself")):
    return text


app = create_app(registry)
"""


class Clock:
    """The wall clock, and a monotonic one that never stands still."""

    def __init__(self) -> None:
        self.now = NOON
        self._ticks = 0.0

    def time(self) -> float:
        return self.now

    def monotonic(self) -> float:
        self._ticks += schedules.CHECK_INTERVAL
        return self._ticks


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(schedules, "time", clock)
    return clock


@pytest.fixture
def queue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Queue]:
    registry = mmf.Registry()

    @registry.target(returns=mmf.Integer(), schedule="0 12-20 * * *", retries=3)
    def learn(rows: int = mmf.Integer(default=7)) -> int:
        return rows

    monkeypatch.setenv("MMF_TASKS_DIR", str(tmp_path / "tasks"))
    queue = Queue(create_app(registry))
    yield queue
    queue.store.close()


def ids(queue: Queue) -> list[str]:
    return [task["id"] for task in queue.client.get("/tasks").get_json()["tasks"]][::-1]


def noon_plus(hours: int) -> str:
    return f"schedule:learn:2027-01-15T{12 + hours}:00Z"


def test_time_is_queued_once_by_all_workers_and_runs_without_arguments(
    queue: Queue, clock: Clock
) -> None:
    clock.now = NOON - 1
    workers = [Schedules(queue.tasks) for _ in range(3)]
    for worker in workers:
        worker.queue_due()
    assert ids(queue) == []
    for second in range(5):
        clock.now = NOON + second
        for worker in workers:
            worker.queue_due()
    assert ids(queue) == [noon_plus(0)]
    assert queue.work() == 1
    assert queue.client.get(f"/tasks/{noon_plus(0)}/result").get_json() == {"result": 7}


def test_restart_misses_nothing_and_repeats_nothing(queue: Queue, clock: Clock) -> None:
    clock.now = NOON + schedules.CATCH_UP - 1
    for _ in range(3):
        Schedules(queue.tasks).queue_due()
    assert ids(queue) == [noon_plus(0)]
    clock.now = NOON + HOUR + schedules.CATCH_UP + 1  # nobody was there for so long
    Schedules(queue.tasks).queue_due()
    assert ids(queue) == [noon_plus(0)]


def test_clock_that_jumps(queue: Queue, clock: Clock) -> None:
    worker = Schedules(queue.tasks)
    worker.queue_due()
    clock.now = NOON + 3.5 * HOUR  # asleep: of three missed times, the last
    worker.queue_due()
    clock.now = NOON - HOUR  # set back
    worker.queue_due()
    clock.now = NOON  # so that it is noon again
    worker.queue_due()
    assert ids(queue) == [noon_plus(0), noon_plus(3)]
    clock.now = NOON + HOUR
    worker.queue_due()
    assert ids(queue) == [noon_plus(0), noon_plus(3), noon_plus(1)]


def test_result_that_was_removed_is_not_queued_again(queue: Queue, clock: Clock) -> None:
    worker = Schedules(queue.tasks)
    worker.queue_due()
    queue.work()
    queue.client.delete("/tasks")
    clock.now += 1
    worker.queue_due()
    assert ids(queue) == []


def test_read_only_queue_is_retried(
    queue: Queue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker, add = Schedules(queue.tasks), queue.store.add

    def full(*_: Any, **__: Any) -> Any:
        raise TasksUnavailable("disk full")

    monkeypatch.setattr(queue.store, "add", full)
    with pytest.raises(TasksUnavailable):
        worker.queue_due()
    monkeypatch.setattr(queue.store, "add", add)
    clock.now += 2 * schedules.CATCH_UP
    worker.queue_due()
    assert ids(queue) == [noon_plus(0)]


def test_scheduled_time_is_queued_in_a_full_queue(
    queue: Queue, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that could not queue it would run nothing, and the queue would stay full."""
    monkeypatch.setattr(queue.store.limits, "max_tasks", 1)
    first = queue.submit("learn", json=1)
    assert queue.client.post("/learn", json=1, headers=ASYNC).status_code == 503
    worker = Schedules(queue.tasks)
    clock.now += 2 * schedules.CATCH_UP
    worker.queue_due()
    assert ids(queue) == [first["id"], noon_plus(0)]


def test_callers_cannot_use_the_id_of_a_scheduled_time(queue: Queue) -> None:
    response = queue.client.post(
        "/learn", headers={"Prefer": "respond-async", "TASK-ID": noon_plus(5)}
    )
    assert response.status_code == 422
    assert "the service's own" in response.get_json()["detail"]


def test_live_service_runs_due_tasks(tmp_path: Path) -> None:
    with (
        (tmp_path / "log").open("wb") as log,
        serve("gunicorn", tmp_path, log, EVERY_MINUTE, MMF_TASK_WORKERS="1") as service,
    ):
        url = f"{service.url}/tasks?status=succeeded"
        task = until(lambda: requests.get(url, timeout=LONGEST).json()["tasks"])[-1]
        assert fetch(service.url, task).json() == {"result": "by itself"}
        assert task["id"].startswith(time.strftime("schedule:tick:%Y-", time.gmtime()))


@pytest.mark.long
def test_two_machines_that_share_a_queue_run_each_time_once(
    tmp_path: Path, postgresql: dict[str, str]
) -> None:
    folders = [tmp_path / name for name in ("first", "second")]
    with ExitStack() as stack:
        services = []
        for folder in folders:
            folder.mkdir()
            log = stack.enter_context((folder / "log").open("wb"))
            settings = {"MMF_TASK_WORKERS": "1", **postgresql}
            running = serve("gunicorn", folder, log, EVERY_MINUTE, **settings)
            services.append(stack.enter_context(running))
        urls = [f"{service.url}/tasks?target=tick" for service in services]

        def done() -> Any:
            tasks = requests.get(urls[0], timeout=LONGEST).json()["tasks"]
            is_done = len(tasks) > 1 and all(task["status"] == "succeeded" for task in tasks)
            return is_done and tasks

        tasks = until(done, longest=2 * LONGEST + 10)
        assert requests.get(urls[1], timeout=LONGEST).json()["tasks"] == tasks
        assert [task["attempts"] for task in tasks] == [1] * len(tasks)
        queued = sum((folder / "log").read_text().count("by its schedule") for folder in folders)
        assert queued == len(tasks)
