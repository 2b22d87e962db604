"""Calls in a forked process, which is killed if they do not return.

A call is made in a thread, as in the service's worker: OpenMP keeps a pool of threads, which a fork
loses, for each thread that has called it.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing.connection import Connection, Pipe

from ..registry import Registry
from ..target import Target
from .calls import CallResult, CallStatus, call

ORPHAN_TIMEOUT = 5  # seconds beyond the limit, within which the parent normally ends a fork


class Fork:
    """A process that runs `work` on a copy of this one and sends its results to `reader`."""

    def __init__(self, work: Callable[[Connection], None]) -> None:
        self.reader, writer = Pipe(duplex=False)
        with writer:
            self._pid = _fork()
            if not self._pid:
                try:
                    work(writer)
                finally:
                    os._exit(0)

    def end(self) -> str:
        """Kill the process and return how it ended, which may be earlier and by itself."""
        self.reader.close()
        try:
            os.kill(self._pid, signal.SIGKILL)  # no effect on a process that has ended
            _, status = os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):  # gunicorn's master has reaped it
            return "unknown status"
        code = os.waitstatus_to_exitcode(status)
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def set_alarm(seconds: float) -> None:
    """End this process after its limit, even if the waiting parent is killed."""
    signal.alarm(math.ceil(seconds) + ORPHAN_TIMEOUT)


def call_in_forks(
    registry: Registry, targets: Sequence[Target], seconds: float
) -> list[CallResult]:
    """Call targets in turn in a fork, and in a new one after each that hangs or ends it."""
    results: list[CallResult] = []
    while len(results) < len(targets):
        results += _call_in_fork(registry, targets[len(results) :], seconds)
    return results


def report(registry: Registry, targets: Sequence[Target], seconds: float, to: Connection) -> None:
    """Call targets in turn, as a new worker does, and send each result until one times out."""
    for target in targets:
        set_alarm(seconds)
        try:
            registry.load_artifacts()
            result = call(target, seconds)
        except Exception as error:  # noqa: BLE001 - every error is reported
            result = CallResult.of(error)
        to.send_bytes(result.status.value + result.content)
        if result.status is CallStatus.TIMEOUT:
            return


def _call_in_fork(
    registry: Registry, targets: Sequence[Target], seconds: float
) -> list[CallResult]:
    """Return the results up to the first target that hangs or ends the process."""
    fork = Fork(partial(report, registry, targets, seconds))
    try:
        results = list(_received(fork.reader, len(targets), seconds))
    finally:
        status = fork.end()
    if len(results) == len(targets) or CallResult(CallStatus.TIMEOUT) in results:
        return results
    return [*results, CallResult(CallStatus.FAILED, f"the process ended, {status}".encode())]


def _fork() -> int:
    sys.stdout.flush()  # otherwise buffered output could be written twice
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork with threads, which is the very thing tested here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _received(reader: Connection, count: int, seconds: float) -> Iterator[CallResult]:
    """Yield the results that a fork sends, until it hangs or has ended."""
    for _ in range(count):
        if not reader.poll(seconds):
            yield CallResult(CallStatus.TIMEOUT)
            return
        try:
            message = reader.recv_bytes()
        except (EOFError, OSError):
            return
        result = CallResult(CallStatus(message[:1]), message[1:])
        yield result
        if result.status is CallStatus.TIMEOUT:
            return
