"""Processes that share the loaded model: forked from this one after it has been loaded."""

from __future__ import annotations

import gc
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe, wait
from typing import Any, NamedTuple, NoReturn, Protocol

from .errors import BatchError

_AHEAD = 2
"""Tasks that a process has at a time: one that it does, and one that it need not wait for."""


class Results(Protocol):
    """What does tasks: processes of this machine, or of a cluster."""

    def results(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks as they come, in any order."""
        ...

    def close(self) -> None:
        """Leave no process, and no task, of this run behind."""
        ...


class _Worker(NamedTuple):
    pid: int
    connection: Connection


class Workers:
    """`count` processes that call `work` with tasks; with one, this process does it by itself.

    BatchError if a process ends before its tasks, or raises one.
    """

    def __init__(self, count: int, work: Callable[[Any], Any]) -> None:
        self._work = work
        self._workers: list[_Worker] = []
        gc.freeze()  # collections of the processes would copy the pages that they share
        for _ in range(count if count > 1 else 0):
            self._workers.append(self._fork())

    def results(self, tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks as they come, in any order."""
        if not self._workers:
            yield from map(self._work, tasks)
            return
        running = {worker.connection: 0 for worker in self._workers}
        waiting = iter(tasks)
        is_over = False
        while not is_over or any(running.values()):
            connection = min(running, key=running.__getitem__)
            if not is_over and running[connection] < _AHEAD:
                try:
                    self._send(connection, next(waiting))
                    running[connection] += 1
                except StopIteration:
                    is_over = True
                ready = wait(list(running), 0)
            else:
                ready = wait([each for each, count in running.items() if count])
            for each in ready:
                assert isinstance(each, Connection)  # noqa: S101 - nothing else is waited for
                running[each] -= 1
                yield self._received(each)

    def close(self) -> None:
        """End the processes."""
        for worker in self._workers:
            worker.connection.close()
        for worker in self._workers:
            with suppress(ProcessLookupError, ChildProcessError):
                os.kill(worker.pid, signal.SIGKILL)
                os.waitpid(worker.pid, 0)
        self._workers = []

    def _fork(self) -> _Worker:
        ours, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        with warnings.catch_warnings():
            # Python 3.12 warns of a fork with threads; those of libraries are idle here
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            ours.close()
            for other in self._workers:  # else they would not see that this process has ended
                other.connection.close()
            _serve(theirs, self._work)
        theirs.close()
        return _Worker(pid, ours)

    def _send(self, connection: Connection, task: Any) -> None:
        try:
            connection.send(task)
        except OSError:
            raise self._ended(connection) from None

    def _received(self, connection: Connection) -> Any:
        try:
            succeeded, result = connection.recv()
        except (EOFError, OSError):
            raise self._ended(connection) from None
        if not succeeded:
            raise BatchError(result)
        return result

    def _ended(self, connection: Connection) -> BatchError:
        (worker,) = (each for each in self._workers if each.connection is connection)
        self._workers.remove(worker)  # once it is reaped, its id may be that of another process
        _, status = os.waitpid(worker.pid, 0)
        code = os.waitstatus_to_exitcode(status)
        how = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return BatchError(f"a worker ended ({how})")


def attempt(work: Callable[[Any], Any], task: Any) -> tuple[bool, Any]:
    """Do a task in a process that must not end by it; return True and its result, or an error."""
    try:
        return True, work(task)
    except BatchError as error:
        return False, str(error)
    except BaseException as error:  # noqa: BLE001 - whatever it is, the parent reports it
        traceback.print_exc()
        return False, f"{type(error).__name__}: {error}"


def _serve(connection: Connection, work: Callable[[Any], Any]) -> NoReturn:
    """Do tasks until the parent closes the connection or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent ends this process
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    with suppress(EOFError, OSError):
        while True:
            task = connection.recv()
            connection.send(attempt(work, task))
    os._exit(0)
