"""Clients that submit tasks continuously, and record the outcome of each accepted task."""

import itertools
import random
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event, Thread
from typing import Any

import requests

LONGEST = 120.0  # seconds after the last fault within which each task has to be done
CLIENTS, BURST = 6, 8
PAUSE, MAX_PAUSE = 0.05, 0.3
RETRIES = 1  # of a task whose process has crashed
LARGE = 1_200_000  # bytes, stored in a file beside the queue
ASYNC = {"Prefer": "respond-async"}
DONE = ("succeeded", "failed", "canceled")
MAIN = '''
import os
import signal
import subprocess
import time
import uuid
from pathlib import Path

import mmf_core as mmf


def begin(number):
    """Leave a trace of this execution; return its name."""
    name = f"{number}.{os.getpid()}.{os.getppid()}.{uuid.uuid4().hex}"
    Path("runs", name).touch()
    return name


@mmf.target(returns=mmf.String())
def work(number=mmf.Integer(), seconds=mmf.Float()):
    run = begin(number)
    time.sleep(seconds)
    return run


@mmf.target(returns=mmf.File())
def large(number=mmf.Integer(), file=mmf.File()):
    return begin(number).encode() + file


@mmf.target(returns=mmf.String())
def leave(number=mmf.Integer()):
    begin(number)
    os._exit(7)


@mmf.target(returns=mmf.String())
def allocate(number=mmf.Integer()):
    begin(number)
    content = bytes(range(256)) * (1 << 20)
    os.kill(os.getpid(), signal.SIGKILL)  # as the kernel does when memory is short
    return content


@mmf.target(returns=mmf.String())
def flood(number=mmf.Integer()):
    run = begin(number)
    for _ in range(2_000):
        print("x" * 10_000)
    return run


@mmf.target(returns=mmf.String())
def fork(number=mmf.Integer()):
    run = begin(number)
    subprocess.Popen(["sleep", "600"])
    if not os.fork():
        return "of the child"
    return run
'''


@dataclass
class Accepted:
    """An accepted task: its request, and its first observed outcome."""

    number: int
    target: str
    status: str = ""
    reason: str = ""
    result: bytes = b""

    @property
    def id(self) -> str:
        return f"task-{self.number}"

    def expected(self, runs: Path) -> set[bytes]:
        """Return the results of its executions, one of which is to be its result."""
        names = {path.name.encode() for path in runs.glob(f"{self.number}.*")}
        more = body_of(self.number) if self.target == "large" else b""
        return {name + more for name in names}


@dataclass
class TaskTally:
    """The outcomes of the tasks; `problems` lists violations."""

    accepted: list[Accepted] = field(default_factory=list)
    refused: int = 0
    without_response: int = 0
    problems: dict[str, list[str]] = field(
        default_factory=lambda: {name: [] for name in ("lost", "wrong", "twice", "often")}
    )

    def count(self, status: str) -> int:
        """Return how many ended with this status."""
        return sum(task.status == status for task in self.accepted)

    @property
    def reasons(self) -> Counter[str]:
        """Return why tasks have failed, and how many of each."""
        return Counter(task.reason for task in self.accepted if task.status == "failed")


def body_of(number: int) -> bytes:
    """Return the contents of a large request."""
    return random.Random(number).randbytes(1000) * (LARGE // 1000)


class TaskClients:
    """Threads that repeatedly submit a few tasks each, cancel one of them, and wait for all.

    A request without a response, or with a 503, is sent again with the same id, as clients do.
    """

    def __init__(self, port: int, kinds: Callable[[int], tuple[str, Any]]) -> None:
        self.tally = TaskTally()
        self._url = f"http://127.0.0.1:{port}"
        self._kinds = kinds
        self._numbers = itertools.count(1)
        self._over = Event()
        self._end = 0.0
        self._threads = [Thread(target=self._run, name=f"client {n}") for n in range(CLIENTS)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop submitting, and wait until all accepted tasks are done, or should be."""
        self._end = time.monotonic() + LONGEST
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _run(self) -> None:
        with requests.Session() as session:
            while not self._over.is_set():
                burst = [task for _ in range(BURST) if (task := self._submit(session))]
                if burst:
                    time.sleep(random.uniform(0, MAX_PAUSE))
                    cancelled = random.choice(burst)
                    self._request(session, "POST", f"/tasks/{cancelled.id}/cancel")
                for task in burst:
                    self._follow(session, task)

    def _request(
        self, session: requests.Session, method: str, path: str, **options: Any
    ) -> requests.Response | None:
        """Return the response to a request; None if it is missing or a temporary rejection."""
        try:
            response = session.request(method, self._url + path, timeout=30, **options)
        except requests.RequestException:
            self.tally.without_response += 1
            return None
        if response.status_code == 503:
            self.tally.refused += 1
            return None
        return response

    def _submit(self, session: requests.Session) -> Accepted | None:
        number = next(self._numbers)
        target, seconds = self._kinds(number)
        task = Accepted(number, target)
        values: dict[str, Any] = {"json": {"number": number}}
        if target == "work":
            values["json"]["seconds"] = seconds
        elif target == "large":
            values = {"data": {"number": str(number)}, "files": {"file": body_of(number)}}
        headers = ASYNC | {"TASK-ID": task.id}
        while not self._over.is_set():
            response = self._request(session, "POST", f"/{target}", headers=headers, **values)
            if response is not None:
                assert response.status_code == 202, response.text
                self.tally.accepted.append(task)
                return task
            time.sleep(PAUSE)
        return None

    def _follow(self, session: requests.Session, task: Accepted) -> None:
        """Wait until a task is done, and record its state."""
        while not self._over.is_set() or time.monotonic() < self._end:
            if (seen := self._look(session, task)) is None:
                time.sleep(PAUSE)
                continue
            task.status, task.reason, task.result = seen
            return
        self.tally.problems["lost"].append(f"{task.id} is not done")

    def _look(self, session: requests.Session, task: Accepted) -> tuple[str, str, bytes] | None:
        """Return a task's final status, error and result; None if it is not done yet."""
        response = self._request(session, "GET", f"/tasks/{task.id}")
        if response is None:
            return None
        if response.status_code != 200:
            return f"{response.status_code}", response.text, b""
        state = response.json()
        if state["attempts"] > 1 + RETRIES:
            self.tally.problems["often"].append(f"{task.id} has {state['attempts']} attempts")
        if state["status"] not in DONE:
            return None
        result = b""
        if state["status"] == "succeeded":
            fetched = self._request(session, "GET", f"/tasks/{task.id}/result")
            if fetched is None:
                return None
            result = fetched.content if fetched.status_code == 200 else fetched.text.encode()
            if task.target != "large" and fetched.status_code == 200:
                result = str(fetched.json()["result"]).encode()
        reason = state["error"]["detail"] if state["error"] else ""
        return state["status"], reason, result

    def check(self, runs: Path, stops: int) -> None:
        """Check every task again when all are done.

        A stop may requeue a running task, which is not an attempt: there were `stops` of them.
        """
        problems = self.tally.problems
        executions = Counter(path.name.partition(".")[0] for path in runs.iterdir())
        with requests.Session() as session:
            for task in self.tally.accepted:
                if not task.status:
                    continue  # it is in the list of pending tasks
                if task.status not in DONE:
                    problems["lost"].append(f"{task.id}: {task.status} {task.reason}")
                elif self._look(session, task) != (task.status, task.reason, task.result):
                    problems["wrong"].append(f"{task.id} has changed since it was done")
                elif task.status == "succeeded" and task.result not in task.expected(runs):
                    problems["wrong"].append(f"{task.id}: {task.result[:200]!r}")
                elif task.status == "failed" and not task.reason:
                    problems["wrong"].append(f"{task.id} has failed without a reason")
                if executions[str(task.number)] > 1 + RETRIES + stops:
                    problems["often"].append(f"{task.id} ran {executions[str(task.number)]} times")


@contextmanager
def task_clients(port: int, kinds: Callable[[int], tuple[str, Any]]) -> Iterator[TaskClients]:
    """Submit tasks until the block ends, and wait for them."""
    clients = TaskClients(port, kinds)
    clients.start()
    try:
        yield clients
    finally:
        clients.stop()
