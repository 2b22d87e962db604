"""The threads that run requests: only a few at a time while the interpreter's lock is the limit.

A thread that becomes ready takes the lock as soon as another one reads, sends or logs, and that one
then waits for its turn: the more threads, the more processor time is spent on switching between
them. So requests of pure Python run fastest a few at a time, one after another in the same thread,
whereas requests that wait for a database, or that compute without the lock, need all threads. The
processor time shows which case it is: a process that uses about one core, no less and no more, is
bound by the lock. A long request does not hold up the others in either case.

A thread without a request waits for a lock of its own, and the one that waited last is the next to
run: its memory is in the processor's caches, and no other thread wakes up, as it would from the
queue of a ThreadPoolExecutor.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from threading import Lock, Thread, get_ident
from typing import Generic, TypeVar

FEWEST = 2  # threads: one runs while another one reads or sends
LONG = 0.02  # seconds after which a request no longer counts against the limit
INTERVAL = 0.02  # seconds between two measurements of processor time
BOUND = 0.9, 1.15  # cores that a process uses which waits for the interpreter's lock

T = TypeVar("T")


class RequestThreads(Generic[T]):
    """A pool of up to `threads` threads, of which as many run as make the process faster.

    The interpreter does not wait for them when it ends: `shutdown(wait=True)` does.
    """

    def __init__(self, threads: int) -> None:
        self._threads = self._limit = threads
        self._lock = Lock()
        self._all: list[Thread] = []
        self._idle: list[Lock] = []  # of threads without a task: released to wake them, last first
        self._is_shut_down = False
        self._tasks: deque[tuple[Callable[[T], object], T]] = deque()
        self._started: dict[int, float] = {}  # by thread, when its request began
        self._running = 0  # threads that take tasks
        self._long = 0  # of these, at the last measurement
        self._measured, self._used = time.monotonic(), time.process_time()

    def submit(self, function: Callable[[T], object], argument: T) -> None:
        """Call a function in a thread as soon as one may run it; its exceptions are discarded.

        RuntimeError if no thread is running and none can be started.
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
        """Return whether a request is waiting for a thread; `adapt` should then be called soon."""
        return bool(self._tasks)

    def adapt(self) -> None:
        """Measure how many threads are best, at most once per INTERVAL; start more if needed."""
        if time.monotonic() - self._measured < INTERVAL:
            return
        with self._lock:
            self._measure()
            room = min(self._limit + self._long, self._threads) - self._running
            starting = max(0, min(room, len(self._tasks)))
            self._running += starting
        for _ in range(starting):
            self._start()

    def _measure(self) -> None:
        now, used = time.monotonic(), time.process_time()
        elapsed, cores = now - self._measured, (used - self._used) / max(now - self._measured, 1e-9)
        if elapsed >= INTERVAL:  # no other thread has just measured
            self._measured, self._used = now, used
            self._long = sum(now - started > LONG for started in self._started.values())
            if self._running + len(self._tasks) > FEWEST:
                is_bound = BOUND[0] <= cores <= BOUND[1]
                limit = self._limit // 2 if is_bound else self._limit * 2
                self._limit = min(max(limit, FEWEST), self._threads)

    def leave(self) -> bool:
        """Let another thread run instead of this one; False if this one is not counted."""
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
        """Take no more requests; with `wait`, return when those that were taken have ended."""
        with self._lock:
            self._is_shut_down = True
            idle, self._idle = self._idle, []
        for wake in idle:
            wake.release()
        for thread in self._all if wait else ():
            thread.join()

    def _start(self) -> bool:
        """Run a thread that is already counted as running; False if the system refuses."""
        with self._lock:
            if self._idle:
                self._idle.pop().release()
                return True
            if not self._is_shut_down:
                if len(self._all) == self._threads:  # the next one that is free takes it
                    self._running -= 1
                    return True
                self._all.append(
                    thread := Thread(target=self._run, name="mmf-request", daemon=True)
                )
                with suppress(RuntimeError):
                    thread.start()
                    return True
                self._all.remove(thread)
            self._running -= 1
            return False

    def _run(self) -> None:
        """Run tasks one after another while there are any and the limit allows it; then wait."""
        thread, wake = get_ident(), Lock()
        wake.acquire()
        while True:
            while task := self._take(thread, wake):
                function, argument = task
                with suppress(Exception):
                    function(argument)
                del task, argument  # a connection may be closed while this thread waits
                self.adapt()
            wake.acquire()
            if self._is_shut_down and not self._tasks:
                return

    def _take(self, thread: int, wake: Lock) -> tuple[Callable[[T], object], T] | None:
        """Return the next task; None if this thread is to wait until `wake` is released."""
        with self._lock:
            if self._tasks and self._running <= self._limit + self._long:
                self._started[thread] = time.monotonic()
                return self._tasks.popleft()
            self._running -= 1
            self._started.pop(thread, None)
            if self._is_shut_down:
                wake.release()
            else:
                self._idle.append(wake)
            return None
