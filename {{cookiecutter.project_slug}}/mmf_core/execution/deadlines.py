"""Deadlines: a response in time, even if the call does not return.

Python cannot stop a thread. So the call runs in a thread of its own while the request waits; when
time is up, the request gets its error and the call is abandoned. A line is logged when an abandoned
call ends after all. If it does not, its worker is replaced after its other requests.

Code that holds the GIL for that long (catastrophic backtracking, a C extension) stops every thread,
including those of this module; gunicorn's `timeout` replaces such a worker.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections import deque
from collections.abc import Callable, Iterator
from contextvars import Context, copy_context
from functools import partial
from queue import SimpleQueue
from threading import Event, Lock, Thread, Timer
from time import perf_counter
from typing import Any

from ..errors import DeadlineExceeded
from .calls import Arguments, Call
from .timings import Timings

_END = object()
_log = logging.getLogger("mmf.deadlines")


def time_left(seconds: float, timings: Timings) -> float:
    """Return how many of a request's `seconds` are left."""
    return seconds - (perf_counter() - timings.deadline_started)


def deadline_exceeded(route: str, seconds: float) -> DeadlineExceeded:
    """Return the error of a request whose time is up."""
    return DeadlineExceeded(f"{route} took longer than {seconds:g} seconds")


class Deadline:
    """A call with a time limit: DeadlineExceeded `seconds` after the request has arrived.

    `replace_worker` is called when an abandoned call is still running after another
    `abandoned_call_timeout` seconds.
    """

    def __init__(
        self,
        call: Call,
        route: str,
        seconds: float,
        abandoned_call_timeout: float,
        replace_worker: Callable[[], None],
    ) -> None:
        self._call = call
        self._route = route
        self._seconds = seconds
        self._abandoned_call_timeout = abandoned_call_timeout
        self._replace_worker = replace_worker
        self._idle: deque[_Runner] = deque()

    def __call__(self, arguments: Arguments, timings: Timings) -> Any:
        left = time_left(self._seconds, timings)
        if left <= 0:  # after the wait for a batch
            raise deadline_exceeded(self._route, self._seconds)
        runner = self._idle.pop() if self._idle else _Runner(self._idle.append)
        try:
            return self._run(runner, lambda: self._call(arguments, timings), left)
        except DeadlineExceeded:
            timings.is_abandoned = lambda: True  # if it still waits for its turn, it leaves
            raise

    def _run(self, runner: _Runner, call: Callable[[], Any], left: float) -> Any:
        """Call in the runner's thread, for as long as there is time left."""
        task = _Task(call, copy_context())
        runner.tasks.put(task)
        if task.ended.wait(left):
            return task.outcome()
        if task.abandon(self._route):
            self._watch(task, runner)
            raise deadline_exceeded(self._route, self._seconds)
        return task.outcome()  # it ended at the last moment

    def _watch(self, task: _Task, runner: _Runner) -> None:
        """Check later whether an abandoned call has ended."""
        timer = Timer(self._abandoned_call_timeout, self._check_ended, (task, runner))
        timer.daemon = True
        timer.start()

    def _check_ended(self, task: _Task, runner: _Runner) -> None:
        if task.ended.is_set():
            return
        frame = sys._current_frames().get(runner.ident or 0)  # noqa: SLF001 - the documented way
        stack = "".join(traceback.format_stack(frame)) if frame else "(the thread has ended)"
        _log.error(
            "%s: an abandoned call is still running; replacing this worker. Stack:\n%s",
            self._route,
            stack,
        )
        self._replace_worker()


class StreamDeadline(Deadline):
    """A stream with a time limit for each wait: for its first piece, and for each further one."""

    def __call__(self, arguments: Arguments, timings: Timings) -> Iterator[Any]:
        pieces = self._call(arguments, timings)
        runner = _Runner()  # one for all pieces: a thread's locals stay
        left = time_left(self._seconds, timings)
        try:
            while (piece := self._run(runner, partial(next, pieces, _END), left)) is not _END:
                yield piece
                left = self._seconds
        except DeadlineExceeded:
            timings.is_abandoned = lambda: True  # an async generator is cancelled
            raise
        finally:
            runner.tasks.put(_Task(pieces.close, copy_context()))
            runner.tasks.put(None)


class _Task:
    """A call and its outcome."""

    def __init__(self, call: Callable[[], Any], context: Context) -> None:
        self._call = call
        self._context = context
        self._started = perf_counter()
        self._lock = Lock()
        self._abandoned_route = ""
        self._result: Any = None
        self._error: BaseException | None = None
        self.ended = Event()

    def run(self) -> None:
        self._context.run(self._run)

    def outcome(self) -> Any:
        if self._error is not None:
            raise self._error
        return self._result

    def abandon(self, route: str) -> bool:
        """Abandon the call; False if it has ended in the meantime."""
        with self._lock:
            if not self.ended.is_set():
                self._abandoned_route = route
            return not self.ended.is_set()

    def _run(self) -> None:
        try:
            self._result = self._call()
        except BaseException as error:  # noqa: BLE001 - raised in the thread of the request
            self._error = error
        with self._lock:
            self.ended.set()
        if self._abandoned_route:
            seconds = perf_counter() - self._started
            _log.warning("%s: an abandoned call ended after %.1f s", self._abandoned_route, seconds)


class _Runner(Thread):
    """A thread that runs one task at a time, and never keeps the process from ending."""

    def __init__(self, on_idle: Callable[[_Runner], None] = lambda _: None) -> None:
        super().__init__(name="mmf-deadline", daemon=True)
        self.tasks: SimpleQueue[_Task | None] = SimpleQueue()  # None: the last one was the last
        self._on_idle = on_idle
        self.start()

    def run(self) -> None:
        while task := self.tasks.get():
            task.run()
            self._on_idle(self)
