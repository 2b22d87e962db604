"""The worker: starts the processes that run tasks, and supervises them. It computes nothing itself.

Under gunicorn it is a process beside the web workers, elsewhere `mmfmeta worker`. It kills a
process whose task was cancelled or timed out, and requeues the tasks of a process that has crashed,
and those of other workers that have died. On SIGTERM running tasks may end within the grace period,
and are requeued otherwise; on SIGHUP they may take any time; SIGINT requeues them immediately.
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

from ..processes import CLOSED_BY_A_FUNCTION
from . import webhooks
from .errors import TasksUnavailable
from .runner import CONNECTION_CLOSED, Runner
from .schedules import Schedules
from .service import TaskService
from .task import CANCELED, PROCESSING, Outcome, Task

POLL = 0.05  # seconds between two checks of the queue and of the processes
BEAT_INTERVAL = 1.0
LEASE = 5.0  # seconds without a heartbeat after which a worker's tasks are given to others
CANCEL_GRACE = 2.0  # seconds for a cancelled function to notice it by `mmf.cancelled()`
EXPIRE_INTERVAL = 60.0
_log = logging.getLogger("mmf.tasks")


class TaskWorker:
    """A worker with `slots` processes; `grace` are the seconds that it has after SIGTERM.

    `shutdown` returns the seconds that it has if the service ends without signalling it.
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
        self._ended: dict[int, str] = {}  # how runners ended whose tasks are still theirs
        self._stop_at: float | None = None  # when running tasks are requeued, once it stops
        self._claimed_since: dict[tuple[int, int, str], float] = {}
        self._heartbeats: dict[str, tuple[int, float]] = {}
        self._last_beat = self._expired = 0.0
        self._is_available = True
        self._outbox = tasks.outbox
        self._helpers: dict[str, int] = {}  # processes for work that may outlast a heartbeat

    def run(self) -> None:
        """Work until a signal, whatever happens to the queue until then."""
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
                if self._must_requeue():  # the lease will
                    self._end()
            time.sleep(max(POLL, self._store.poll))
        for pid in self._helpers.values():
            _signal(pid, signal.SIGKILL)  # another worker does it again
        with suppress(TasksUnavailable):
            if self._store.exists():
                self._store.heartbeats.retire(self._id)

    def _stop(self, grace: float) -> None:
        """Accept no more tasks; the earliest of several deadlines counts."""
        end = time.monotonic() + grace
        self._stop_at = end if self._stop_at is None else min(self._stop_at, end)

    def _must_requeue(self) -> bool:
        return self._stop_at is not None and time.monotonic() >= self._stop_at

    def _reap(self) -> None:
        for pid in [*self._runners]:
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                _kill(pid)  # its leftover children
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
        self._requeue_ended(claims)
        self._watch([task for task in claims if task.runner in self._runners])
        if self._stop_at is None:
            self._start()
        now = time.monotonic()
        if now - self._last_beat >= BEAT_INTERVAL:
            self._last_beat = now
            if is_at_work:
                self._store.heartbeats.beat(self._id)
            self._recover(now)
            self._help()

    def _requeue_ended(self, claims: list[Task]) -> None:
        """Take the tasks from processes that have ended, or must end."""
        if self._must_requeue():
            self._end()
            for task in self._store.claims(self._id):
                self._store.requeue(task, "", counts=False)
            return
        for task in claims:
            if task.runner not in self._runners:
                reason = self._ended.get(task.runner or 0, "")
                if task.status == PROCESSING:
                    _log.error("task %s of %s: %s", task.id, task.target, reason)
                self._store.requeue(task, reason)
        self._ended = {}

    def _end(self) -> None:
        """Kill all processes immediately."""
        for pid in self._runners:
            _kill(pid)
            os.waitpid(pid, 0)
        self._runners, self._ended = set(), {}

    def _start(self) -> None:
        """Start a process, if a task is waiting and a slot is free."""
        if len(self._runners) >= self._slots or not self._store.has_queued():
            return
        self._store.close()  # a connection does not survive a fork
        sys.stdout.flush()
        if pid := os.fork():
            with suppress(OSError):  # it does so itself, but perhaps too late
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
        """Start processes that send due webhooks, and remove expired results."""
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
        """Kill the processes of tasks that were cancelled or timed out."""
        now = time.monotonic()
        keys = {(task.seq, task.attempts, task.status): task for task in claims}
        self._claimed_since = {key: self._claimed_since.get(key, now) for key in keys}
        for key, since in self._claimed_since.items():
            task, seconds = keys[key], now - since
            if task.status == CANCELED and seconds >= CANCEL_GRACE:
                _kill(task.runner)
            elif task.status == PROCESSING and task.timeout and seconds >= task.timeout:
                detail = f"{task.target} took longer than {task.timeout:g} seconds"
                if self._store.finish(task, Outcome.failed(task, 504, detail)):
                    _kill(task.runner)

    def _recover(self, now: float) -> None:
        """Take the tasks from other workers that have died."""
        beats = self._store.heartbeats.others(self._id)
        self._heartbeats = {
            worker: self._heartbeats[worker]
            if worker in self._heartbeats and self._heartbeats[worker][0] == count
            else (count, now)
            for worker, count in beats.items()
        }
        for worker, (_, since) in self._heartbeats.items():
            if now - since >= LEASE:
                for task in self._store.claims(worker):
                    _log.error("task %s of %s: its worker has ended", task.id, task.target)
                    self._store.requeue(task, "the worker that ran it ended")
                self._store.heartbeats.retire(worker)


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        return "SIGKILL (out of memory?)"
    if code == CONNECTION_CLOSED:
        return CLOSED_BY_A_FUNCTION
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _kill(pid: int | None) -> None:
    """Kill a process and its process group."""
    if pid:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
