"""The worker: starts the processes that run tasks, and watches them. It computes nothing itself.

Under gunicorn it is a process beside the web workers, elsewhere `mmfmeta worker`. It ends a process
whose task was cancelled or has used up its time, gives the tasks of one that has crashed back to
the queue, and those of other workers that no longer live. On SIGTERM what is running may end within
its time, and is put back otherwise; on SIGHUP it has all the time it needs; SIGINT puts it back at
once.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from uuid import uuid4

from flask import Flask

from . import webhooks
from .errors import TasksUnavailable
from .runner import Runner
from .schedules import Schedules
from .service import TaskService
from .task import CANCELED, PROCESSING, Outcome, Task

POLL = 0.05  # seconds between two looks at the queue and at the processes
BEAT_INTERVAL = 1.0
LEASE = 5.0  # seconds without a beat after which a worker's tasks are given to others
CANCEL_GRACE = 2.0  # seconds for a cancelled function to see it by `mmf.cancelled()`
EXPIRE_INTERVAL = 60.0
_log = logging.getLogger("mmf.tasks")


class TaskWorker:
    """A worker with `slots` processes; `grace` are the seconds that it has after SIGTERM.

    `shutdown` returns the seconds that it has if the service ends, though nobody has signalled it.
    """

    def __init__(
        self,
        app: Flask,
        slots: int,
        grace: float,
        shutdown: Callable[[], float | None] = lambda: None,
    ) -> None:
        self._app = app
        self._slots = slots
        self._grace = grace
        self._shutdown = shutdown
        tasks = TaskService.of(app)
        self._store, self._settings = tasks.store, tasks.settings
        self._schedules = Schedules(tasks)
        self._id = uuid4().hex
        self._runners: set[int] = set()
        self._ended: dict[int, str] = {}  # how runners have ended whose tasks are still theirs
        self._stop_at: float | None = None  # when what is running is put back, once it stops
        self._seen: dict[tuple[int, int, str], float] = {}
        self._beats: dict[str, tuple[int, float]] = {}
        self._beaten = self._expired = 0.0
        self._is_available = True
        self._outbox = tasks.outbox
        self._helpers: dict[str, int] = {}  # the processes of what may take longer than a beat

    def run(self) -> None:
        """Work until a signal, and until then whatever happens to the queue."""
        signal.signal(signal.SIGTERM, lambda *_: self._stop(self._grace))
        signal.signal(signal.SIGHUP, lambda *_: self._stop(math.inf))
        signal.signal(signal.SIGINT, lambda *_: self._stop(0.0))
        while self._stop_at is None or self._runners or self._ended:
            if (grace := self._shutdown()) is not None:
                self._stop(grace)
            self._reap()
            if self._stop_at is not None:
                for pid in self._runners:
                    _signal(pid, signal.SIGTERM)  # again: one may just have been forked
            try:
                self._step()
                self._is_available = True
            except TasksUnavailable as error:
                if self._is_available:
                    _log.error("%s", error)
                self._is_available = False
                if self._must_put_back():  # the lease will
                    self._end()
            time.sleep(max(POLL, self._store.poll))
        for pid in self._helpers.values():
            _signal(pid, signal.SIGKILL)  # another worker does it again
        with suppress(TasksUnavailable):
            if self._store.exists():
                self._store.retire(self._id)

    def _stop(self, grace: float) -> None:
        """Take no more tasks; the earliest of several ends counts."""
        end = time.monotonic() + grace
        self._stop_at = end if self._stop_at is None else min(self._stop_at, end)

    def _must_put_back(self) -> bool:
        return self._stop_at is not None and time.monotonic() >= self._stop_at

    def _reap(self) -> None:
        for pid in [*self._runners]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                _kill(pid)  # what it has left behind
                self._runners.discard(pid)
                self._ended[pid] = f"the process that ran it ended: {_describe(status)}"

    def _step(self) -> None:
        if self._stop_at is None:
            self._schedules.queue_due()
        if not self._store.exists():
            self._ended = {}
            return
        is_at_work = bool(self._runners or self._ended)
        claims = self._store.claims(self._id) if is_at_work else []
        self._let_go(claims)
        self._watch([task for task in claims if task.runner in self._runners])
        if self._stop_at is None:
            self._start()
        now = time.monotonic()
        if now - self._beaten >= BEAT_INTERVAL:
            self._beaten = now
            if is_at_work:
                self._store.beat(self._id)
            self._recover(now)
            self._help()

    def _let_go(self, claims: list[Task]) -> None:
        """Take the tasks from processes that have ended, or have to."""
        if self._must_put_back():
            self._end()
            for task in self._store.claims(self._id):
                self._store.let_go(task, "", counts=False)
            return
        for task in claims:
            if task.runner not in self._runners:
                reason = self._ended.get(task.runner or 0, "")
                if task.status == PROCESSING:
                    _log.error("task %s of %s: %s", task.id, task.target, reason)
                self._store.let_go(task, reason)
        self._ended = {}

    def _end(self) -> None:
        """Kill all processes, at once."""
        for pid in self._runners:
            _kill(pid)
            os.waitpid(pid, 0)
        self._runners, self._ended = set(), {}

    def _start(self) -> None:
        """Start a process, if a task waits and a slot is free."""
        if len(self._runners) >= self._slots or not self._store.has_queued():
            return
        self._store.close()  # a connection does not survive a fork
        sys.stdout.flush()
        if pid := os.fork():
            with suppress(OSError):  # it does so itself, but perhaps too late for us
                os.setpgid(pid, pid)
            self._runners.add(pid)
            return
        code = 1
        try:
            Runner(self._app, self._id).run()
            code = 0
        except BaseException:  # noqa: BLE001 - it must not return into the worker's own loop
            _log.exception("the process of a task cannot start")
        finally:
            os._exit(code)

    def _help(self) -> None:
        """Have processes send the webhooks that are due, and remove what has been kept enough."""
        for name, pid in [*self._helpers.items()]:
            if os.waitpid(pid, os.WNOHANG)[0]:
                del self._helpers[name]
        if self._stop_at is not None:
            return
        if "webhooks" not in self._helpers and self._outbox.has_due():
            self._fork("webhooks", partial(webhooks.deliver, self._outbox, self._settings))
        now = time.monotonic()
        if "expiry" not in self._helpers and now - self._expired >= EXPIRE_INTERVAL:
            self._expired = now
            expire = partial(self._store.expire, self._settings.keep, self._settings.max_kept)
            self._fork("expiry", expire)

    def _fork(self, name: str, work: Callable[[], None]) -> None:
        self._store.close()
        if pid := os.fork():
            self._helpers[name] = pid
            return
        code = 1
        try:
            work()
            code = 0
        except TasksUnavailable as error:
            _log.error("%s: %s", name, error)
        except BaseException:  # noqa: BLE001 - it must not return into the worker's own loop
            _log.exception("%s: not done now", name)
        finally:
            os._exit(code)

    def _watch(self, claims: list[Task]) -> None:
        """End the processes of tasks that were cancelled, or have used up their time."""
        now = time.monotonic()
        keys = {(task.seq, task.attempts, task.status): task for task in claims}
        self._seen = {key: self._seen.get(key, now) for key in keys}
        for key, since in self._seen.items():
            task, seconds = keys[key], now - since
            if task.status == CANCELED and seconds >= CANCEL_GRACE:
                _kill(task.runner)
            elif task.status == PROCESSING and task.timeout and seconds >= task.timeout:
                detail = f"{task.target} took longer than {task.timeout:g} seconds"
                if self._store.finish(task, Outcome.failed(task, 504, detail)):
                    _kill(task.runner)

    def _recover(self, now: float) -> None:
        """Take the tasks from other workers that no longer live."""
        beats = self._store.others(self._id)
        self._beats = {
            worker: self._beats[worker]
            if worker in self._beats and self._beats[worker][0] == count
            else (count, now)
            for worker, count in beats.items()
        }
        for worker, (_, since) in self._beats.items():
            if now - since >= LEASE:
                for task in self._store.claims(worker):
                    _log.error("task %s of %s: its worker has ended", task.id, task.target)
                    self._store.let_go(task, "the worker that ran it ended")
                self._store.retire(worker)


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return "SIGKILL (out of memory?)"
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _kill(pid: int | None) -> None:
    """Kill a process and all that it has started in its group."""
    if pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
