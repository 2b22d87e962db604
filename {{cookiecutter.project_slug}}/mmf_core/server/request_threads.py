"""The threads that run requests: a few at a time, when the interpreter is all they wait for.

A thread that is ready to run takes the interpreter's lock when another one reads, sends or logs,
which then waits for it in turn: the more threads, the more of a processor goes to changing between
them. So requests of pure Python run fastest a few at a time, one after the other in the same
thread; but those that wait for a database need all threads, and so do those that compute without
the lock. Which it is shows the processor: a process that uses about one core, no less and no more,
is bound by the lock. A request that runs for long does not hold up the others in either case.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from threading import Lock, get_ident
from typing import Generic, TypeVar

FEWEST = 2  # threads: one runs while another one reads or sends
LONG = 0.02  # seconds, after which a request makes room for another one
INTERVAL = 0.02  # seconds between two looks at the processor
BOUND = 0.9, 1.15  # cores, used by a process that waits for the interpreter's lock

T = TypeVar("T")


class RequestThreads(Generic[T]):
    """Up to `threads` threads, of which as many run as make the process faster."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, "mmf-request")
        self._threads = self._limit = threads
        self._lock = Lock()
        self._tasks: deque[tuple[Callable[[T], object], T]] = deque()
        self._started: dict[int, float] = {}  # by thread, when its request began
        self._running = 0  # threads that take tasks
        self._long = 0  # of these, when they were last looked at
        self._looked, self._used = time.monotonic(), time.process_time()

    def submit(self, function: Callable[[T], object], argument: T) -> None:
        """Call a function in a thread, as soon as one may run it; its errors are its own.

        RuntimeError if no thread can be started, and none is there.
        """
        task = (function, argument)
        with self._lock:
            self._tasks.append(task)
            starts = self._running < min(self._limit + self._long, self._threads)
            self._running += starts
        if not starts or self._start():
            return
        with self._lock:
            if self._running or task not in self._tasks:
                return  # another thread takes it, or has taken it
            self._tasks.remove(task)
        raise RuntimeError("no thread can be started")

    def is_any_waiting(self) -> bool:
        """Report whether a request waits for a thread: then `adapt` is to be called soon."""
        return bool(self._tasks)

    def adapt(self) -> None:
        """Look how many threads serve best, at most once in INTERVAL; start more if it is so."""
        if time.monotonic() - self._looked < INTERVAL:
            return
        with self._lock:
            self._look()
            room = min(self._limit + self._long, self._threads) - self._running
            starting = max(0, min(room, len(self._tasks)))
            self._running += starting
        for _ in range(starting):
            self._start()

    def _look(self) -> None:
        now, used = time.monotonic(), time.process_time()
        elapsed, cores = now - self._looked, (used - self._used) / max(now - self._looked, 1e-9)
        if elapsed >= INTERVAL:  # no other thread has just looked
            self._looked, self._used = now, used
            self._long = sum(now - started > LONG for started in self._started.values())
            if self._running + len(self._tasks) > FEWEST:
                is_bound = BOUND[0] <= cores <= BOUND[1]
                limit = self._limit // 2 if is_bound else self._limit * 2
                self._limit = min(max(limit, FEWEST), self._threads)

    def leave(self) -> bool:
        """Let another thread run in place of this one; False if this one is not counted."""
        with self._lock:
            if self._started.pop(get_ident(), None) is None:
                return False
            most = min(self._limit + self._long, self._threads)
            starts = bool(self._tasks) and self._running <= most
            self._running -= not starts
        if starts:
            self._start()
        return True

    def resume(self) -> None:
        """Count this thread as running again, whatever the limit."""
        with self._lock:
            self._started[get_ident()] = time.monotonic()
            self._running += 1

    def shutdown(self, wait: bool = True) -> None:
        """Start no more threads."""
        self._pool.shutdown(wait=wait)

    def _start(self) -> bool:
        """Start a thread that is counted as running; False if the system has none."""
        try:
            self._pool.submit(self._run)
        except RuntimeError:
            with self._lock:
                self._running -= 1
            return False
        return True

    def _run(self) -> None:
        """Run tasks one after the other, for as long as there are any and the limit allows."""
        thread = get_ident()
        while task := self._take(thread):
            function, argument = task
            with suppress(Exception):
                function(argument)
            del task, argument  # a connection may be closed while this thread waits
            self.adapt()

    def _take(self, thread: int) -> tuple[Callable[[T], object], T] | None:
        with self._lock:
            if self._tasks and self._running <= self._limit + self._long:
                self._started[thread] = time.monotonic()
                return self._tasks.popleft()
            self._running -= 1
            self._started.pop(thread, None)
            return None
