"""The process in which tasks run, one at a time: it may crash, hang, leak or be killed.

Its main thread stores the progress and checks whether the task was cancelled; functions are called
in another thread, as for requests, since the main thread's OpenMP threads do not survive a fork.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from threading import Thread
from typing import IO, Any, TypeVar

from flask import Flask, Response

from ..capabilities import run_hooks
from ..errors import CRASHED, Unavailable, UnknownTarget, as_text, shortened
from ..processes import KEPT, anonymous, release
from ..reporting import reporter
from ..web.app import UNWRAPPED
from ..web.request_context import INTERNAL, current_context
from .errors import ConnectionClosed, TasksUnavailable
from .log import TaskLog
from .requests import environ, replayed
from .service import TaskService
from .store import Store
from .task import FAILED, SUCCEEDED, ClaimedTask, Outcome, Task

REPORT_INTERVAL = 0.25  # seconds between two reports of a running task
RELEASE_DELAY = 5.0  # seconds without a task until memory is returned
RETRY_INTERVAL = 1.0  # seconds between two attempts to store a result
CONNECTION_CLOSED = os.EX_IOERR
"""Exit code: a function has closed descriptors of this process, which is of no more use."""
JOB = "mmf.task"  # WSGI environment key of a request that is a task: no client can set it
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_log = logging.getLogger("mmf.tasks")
T = TypeVar("T")


def _has_grown(own: int) -> bool:
    """Return freed memory; report whether this process still has much more than at its start."""
    release()
    return anonymous() > own + KEPT


class Job:
    """A running task: its body, or the file of a large one, and in the end its result.

    `unavailable` is the error of a storage that could not be used meanwhile.
    """

    def __init__(self, task: Task, body: bytes | Path) -> None:
        self.task = task
        self.body = b"" if isinstance(body, Path) else body
        self.file = body if isinstance(body, Path) else None
        self.result: bytes | IO[bytes] | None = None
        self.retry_after: float | None = None
        self.unavailable: TasksUnavailable | None = None

    def run(self, tasks: TaskService) -> Response:
        """Call the target, inside the application, with its error handling."""
        calls = tasks.calls.get(self.task.target)
        if calls is None:
            raise UnknownTarget(
                f"{self.task.target}: this version of the service has no such target"
            )
        if context := current_context():
            context.client_id = self.task.id
        with closing(replayed(self.task.request, self.body)) as request:
            try:
                if self.file:
                    self.result = calls.run_large(request, self.file, tasks.files)
                else:
                    self.result = calls.run(request)
            except Unavailable as error:
                self.retry_after = error.retry_after
                raise
            except TasksUnavailable as error:
                self.unavailable = error
                raise
        return Response(status=204)


def run_task(app: Flask, task: Task, body: bytes | Path) -> Outcome:
    """Run a task as a request, with its log lines and metrics.

    TasksUnavailable if the result of a large table cannot be stored at the moment.
    """
    job, started = Job(task, body), time.perf_counter()
    path = f"/tasks/{task.id}".encode().decode("latin-1")  # PEP 3333
    response = app.extensions[UNWRAPPED](
        environ(task.request, job.body, path) | {JOB: job, INTERNAL: True}, lambda *_: None
    )
    try:
        content = b"".join(response)
    finally:
        getattr(response, "close", lambda: None)()
    seconds = time.perf_counter() - started
    if job.unavailable:
        raise job.unavailable
    if job.result is None:
        return Outcome(FAILED, error=content.decode(), seconds=seconds, retry_after=job.retry_after)
    return Outcome(SUCCEEDED, job.result, seconds=seconds)


class Runner:
    """Runs the tasks of a worker until it has to stop, or a task was taken from it."""

    def __init__(self, app: Flask, worker: str) -> None:
        self._app = app
        self._worker = worker
        self._store: Store = TaskService.of(app).store
        self._log = TaskLog()
        self._is_stopping = self._is_unsure = False
        self._task: Task | None = None
        self._is_cancelled = False
        self._latest: tuple[float | None, str] = (None, "")
        self._stored: tuple[Any, ...] = ()

    def run(self) -> None:
        """Work in this process, which has just been forked, until its end."""
        signal.signal(signal.SIGTERM, self._stop)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # of a terminal: the worker decides
        os.setpgid(0, 0)  # processes started by a function end with it
        with suppress(OSError):
            _OOM_SCORE.write_text("500")  # the kernel kills this process first when memory runs out
        run_hooks("worker_started")
        TaskService.of(self._app).registry.load_artifacts()
        logging.getLogger().addHandler(self._log)
        reporter.progress, reporter.is_cancelled = self._progress, lambda: self._is_cancelled
        parent, thread = os.getppid(), Thread(target=self._work, name="mmf-tasks", daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(REPORT_INTERVAL)
            if os.getppid() != parent:
                os.killpg(0, signal.SIGKILL)  # the worker was killed: another one runs the task
            self._report()
        run_hooks("worker_ended")

    def _stop(self, *_: object) -> None:
        self._is_stopping = True

    def _work(self) -> None:
        """Run tasks; end if there have been none for a while, and memory was not returned."""
        own, due = anonymous(), math.inf
        while not self._is_stopping:
            try:
                task = self._claim()
            except ConnectionClosed:
                os._exit(CONNECTION_CLOSED)
            except TasksUnavailable:
                self._is_unsure = True
                time.sleep(RETRY_INTERVAL)
                continue
            if task is None:
                if time.monotonic() >= due:
                    if _has_grown(own):
                        return
                    due = math.inf
                time.sleep(self._store.poll)
                continue
            if not self._run(task):
                return
            due = time.monotonic() + RELEASE_DELAY

    def _claim(self) -> ClaimedTask | None:
        pid = os.getpid()
        if self._is_unsure:  # a claim may have succeeded although its response was lost
            for task in self._store.claims(self._worker):
                if task.runner == pid:
                    self._store.requeue(task, "", counts=False)
            self._is_unsure = False
        return self._store.claim(self._worker, pid)

    def _run(self, task: ClaimedTask) -> bool:
        """Run a task and store its outcome; False if it is no longer this runner's."""
        pid = os.getpid()
        self._log.clear()
        self._latest, self._stored, self._is_cancelled = (None, ""), (None, "", ""), False
        self._task = task
        try:
            outcome = self._outcome(task)
        finally:
            self._task = None
            if os.getpid() != pid:
                os._exit(0)  # a fork by the function, which has returned in the child
        log = self._log.text()
        is_mine = self._retry(task, lambda: self._store.finish(task, outcome, log))
        outcome.close()
        if not is_mine:
            self._retry(task, lambda: self._store.abandon(task, log))
        return is_mine

    def _outcome(self, task: ClaimedTask) -> Outcome:
        try:
            with ExitStack() as stack:
                body = self._retry(task, lambda: stack.enter_context(self._store.open_input(task)))
                return self._retry(task, lambda: run_task(self._app, task, body))
        except Exception as error:  # noqa: BLE001 - in our own code: targets' errors have responses
            _log.exception("task %s failed", task.id)
            return Outcome.failed(task, getattr(error, "status", 500), f"the task failed: {error}")
        except BaseException:  # noqa: BLE001 - KeyboardInterrupt of a function
            _log.exception("task %s failed", task.id)
            return Outcome.failed(task, 500, CRASHED)

    def _retry(self, task: Task, action: Callable[[], T]) -> T:
        """Retry an action on the queue until it succeeds."""
        while True:
            try:
                return action()
            except ConnectionClosed:
                os._exit(CONNECTION_CLOSED)
            except TasksUnavailable as error:
                _log.error("task %s waits: %s", task.id, error)
                time.sleep(RETRY_INTERVAL)

    def _progress(self, fraction: float, message: str) -> None:
        self._latest = fraction, shortened(as_text(message))

    def _report(self) -> None:
        """Store the progress of the running task; check whether it was cancelled."""
        if (task := self._task) is None:
            return
        report = (*self._latest, self._log.text())
        try:
            if report != self._stored:
                self._is_cancelled = not self._store.report(task, *report)
                self._stored = report
            else:
                stored = self._store.find(task.id)
                self._is_cancelled = stored is None or stored.is_done
        except ConnectionClosed:
            os._exit(CONNECTION_CLOSED)
        except TasksUnavailable:
            pass  # the next report retries
