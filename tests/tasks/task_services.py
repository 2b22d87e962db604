"""Services that run tasks, and a queue in this process."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import requests
from flask import Flask
from flask.testing import FlaskClient

import mmf_core as mmf
from mmf_core.tasks.runner import run_task
from mmf_core.tasks.service import TaskService

LONGEST = 60.0
ASYNC = {"Prefer": "respond-async"}
APP = """
import os
import signal
import subprocess
import time

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()
TABLE = mmf.DataFrame(schema={"a": float}, format=mmf.CSV)


@registry.target(returns=TABLE)
def double(data=TABLE):
    print("rows:", len(data))
    return data * 2


@registry.target(returns=mmf.Integer())
def length(file=mmf.File(), more=mmf.Integer(default=0)):
    return len(file) + more


@registry.target(returns=mmf.Integer(), retries=5)
def wait(file=mmf.String()):
    mmf.progress(0.5, "waiting")
    print("waits for", os.path.basename(file), flush=True)
    with open(file + ".begun", "a") as begun:
        begun.write(f"{os.getpid()}\\n")
    while not os.path.exists(file):
        time.sleep(0.01)
    return os.getpid()


@registry.target(returns=mmf.Integer(), background=True, task_timeout=1.0)
def slow(seconds=mmf.Float(ge=0)):
    time.sleep(seconds)
    return 1


@registry.target(returns=mmf.Integer(), retries=2)
def leave(code=mmf.Integer()):
    os._exit(code)


@registry.target(returns=mmf.Integer())
def interrupt():
    raise KeyboardInterrupt("a secret of the author")


@registry.target(returns=mmf.Integer())
def die():
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory runs out


@registry.target(returns=mmf.Integer())
def close_descriptors(folder=mmf.String()):
    os.closerange(3, 256)
    files = [open(os.path.join(folder, f"{number}.txt"), "w+") for number in range(20)]
    time.sleep(0.5)
    return len(files)


@registry.target(returns=mmf.Integer(), retries=2)
def depend(file=mmf.String(), attempts=mmf.Integer()):
    with open(file, "a") as journal:
        journal.write("x")
    if os.path.getsize(file) < attempts:
        raise mmf.Unavailable("the feature store does not respond", retry_after=0.2)
    return os.path.getsize(file)


@registry.target(returns=mmf.Integer(), retries=0)
def allocate():
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
    return len(bytes(1 << 32))


@registry.target(returns=mmf.Integer())
def fork():
    if not os.fork():
        return 1
    os.wait()
    return 2


@registry.target(returns=mmf.Integer())
def start(file=mmf.String()):
    process = subprocess.Popen(["sleep", "600"])
    with open(file, "w") as started:
        started.write(str(process.pid))
    process.wait()
    return 1


@registry.target(returns=mmf.Integer())
def notice(file=mmf.String()):
    open(file, "w").close()
    while not mmf.cancelled():
        time.sleep(0.01)
    print("has noticed")
    return 1


@registry.target(returns=mmf.Integer())
def flood(lines=mmf.Integer(), size=mmf.Integer(default=100)):
    for number in range(lines):
        print("line", number, "x" * size)
    return lines


app = create_app(registry)
"""


def until(holds: Callable[[], Any], longest: float = LONGEST) -> Any:
    """Call a function until its result is true; return it."""
    end = time.monotonic() + longest
    while not (value := holds()):
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.02)
    return value


def submit(url: str, target: str, body: Any, **headers: str) -> dict[str, Any]:
    """Submit a task with a JSON body; return it."""
    response = requests.post(f"{url}/{target}", json=body, headers=ASYNC | headers, timeout=LONGEST)
    assert response.status_code == 202, response.text
    task: dict[str, Any] = response.json()
    return task


def state_of(url: str, task: dict[str, Any]) -> dict[str, Any]:
    """Return the current state of a task."""
    response = requests.get(url + task["urls"]["self"], timeout=LONGEST)
    assert response.status_code == 200, response.text
    state: dict[str, Any] = response.json()
    return state


def end_of(url: str, task: dict[str, Any]) -> dict[str, Any]:
    """Return a task when it is done."""
    done: dict[str, Any] = until(
        lambda: (now := state_of(url, task))["status"] not in ("queued", "processing") and now
    )
    return done


def fetch(url: str, task: dict[str, Any], **options: Any) -> requests.Response:
    """Fetch the result of a task."""
    return requests.get(url + task["urls"]["result"], timeout=LONGEST, **options)


def started(file: Path) -> list[int]:
    """Return the processes in which `wait` has started for a file."""
    with suppress(FileNotFoundError):
        return [int(line) for line in Path(f"{file}.begun").read_text().split()]
    return []


class Queue:
    """An application whose tasks run in this process, on request."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.client: FlaskClient = app.test_client()
        self.tasks = TaskService.of(app)
        self.store = self.tasks.store

    def close(self) -> None:
        """Close the connection to the database."""
        self.store.close()

    def submit(self, target: str, **request: Any) -> dict[str, Any]:
        """Submit a task; return it."""
        headers = ASYNC | request.pop("headers", {})
        response = self.client.post(f"/{target}", headers=headers, **request)
        assert response.status_code == 202, response.text
        task: dict[str, Any] = response.get_json()
        return task

    def work(self) -> int:
        """Run all waiting tasks; return their number."""
        count = 0
        while task := self.store.claim("worker", 1):
            with self.store.open_input(task) as body:
                outcome = run_task(self.app, task, body)
            assert self.store.finish(task, outcome, "the log\n")
            outcome.close()
            count += 1
        return count


def declare() -> mmf.Registry:
    """Declare targets of every kind."""
    registry = mmf.Registry()
    kept = mmf.DataFrame(schema={"a": float}, extra="keep")
    file, number, text = mmf.File(), mmf.Integer(), mmf.String()
    numbers = mmf.List(mmf.Integer())

    @registry.target(returns=mmf.DataFrame(format=mmf.CSV), batch=True)
    def double(data: Any = kept) -> Any:
        return data * 2

    @registry.target(returns=mmf.String(), max_concurrency=1, timeout=0.001)
    def both(left: Any = file, right: Any = number) -> Any:
        time.sleep(0.01)  # longer than a request may take
        return f"{left.decode()}{right}"

    @registry.target(returns=mmf.Stream(mmf.String()))
    def words() -> Any:
        yield from ("one", "two")

    @registry.target
    def nothing() -> None: ...

    @registry.target(returns=mmf.Array())
    def cube(shape: Any = numbers) -> Any:
        return np.zeros(shape)

    @registry.target(returns=mmf.String())
    def broken(said: Any = text) -> Any:
        if said == "own":
            raise mmf.InvalidValue("the house is sold")
        if said == "later":
            raise mmf.Unavailable("the cadastre does not respond", retry_after=60)
        raise RuntimeError("a secret of the author")

    return registry
