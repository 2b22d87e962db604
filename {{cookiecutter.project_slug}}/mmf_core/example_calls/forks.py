"""Calls in a forked process: what comes of them, and its end if they do not come back.

A call is made in a thread, here as there, because the service's worker does so: OpenMP keeps its
threads, which a fork loses, by the thread that has called it.
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

ORPHANED_AFTER = 5  # seconds after the limit; before that, the process that forked ends a fork


class Fork:
    """A process that works on a copy of this one, and sends what comes of it to `reader`."""

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
        """End it, and say how it had ended if it had."""
        self.reader.close()
        try:
            os.kill(self._pid, signal.SIGKILL)  # no effect on a process that has ended
            _, status = os.waitpid(self._pid, 0)
        except (ProcessLookupError, ChildProcessError):  # gunicorn's master has reaped it
            return "unknown status"
        code = os.waitstatus_to_exitcode(status)
        return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def set_alarm(seconds: float) -> None:
    """Let this process end after its limit: nobody else would, if the one that waits is killed."""
    signal.alarm(math.ceil(seconds) + ORPHANED_AFTER)


def call_in_forks(
    registry: Registry, targets: Sequence[Target], seconds: float
) -> list[CallResult]:
    """Call targets in turn, in a fork, and in another one after each that hangs or ends it."""
    outcomes: list[CallResult] = []
    while len(outcomes) < len(targets):
        outcomes += _call_in_a_fork(registry, targets[len(outcomes) :], seconds)
    return outcomes


def report(registry: Registry, targets: Sequence[Target], seconds: float, to: Connection) -> None:
    """Call targets in turn, as a new worker does, and send what comes of each until one hangs."""
    for target in targets:
        set_alarm(seconds)
        try:
            registry.load_artifacts()
            outcome = call(target, seconds)
        except Exception as error:  # noqa: BLE001 - reported, whatever it is
            outcome = CallResult.of(error)
        to.send_bytes(outcome.status.value + outcome.content)
        if outcome.status is CallStatus.TIMEOUT:
            return


def _call_in_a_fork(
    registry: Registry, targets: Sequence[Target], seconds: float
) -> list[CallResult]:
    """Return what comes of each target, up to the first that hangs or ends the process."""
    fork = Fork(partial(report, registry, targets, seconds))
    try:
        outcomes = list(_received(fork.reader, len(targets), seconds))
    finally:
        status = fork.end()
    if len(outcomes) == len(targets) or CallResult(CallStatus.TIMEOUT) in outcomes:
        return outcomes
    return [*outcomes, CallResult(CallStatus.FAILED, f"the process ended, {status}".encode())]


def _fork() -> int:
    sys.stdout.flush()  # else what waits there could be written twice
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork where there are threads, which is what is looked into here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _received(reader: Connection, count: int, seconds: float) -> Iterator[CallResult]:
    """Yield what a fork sends, until it hangs or has ended."""
    for _ in range(count):
        if not reader.poll(seconds):
            yield CallResult(CallStatus.TIMEOUT)
            return
        try:
            message = reader.recv_bytes()
        except (EOFError, OSError):
            return
        outcome = CallResult(CallStatus(message[:1]), message[1:])
        yield outcome
        if outcome.status is CallStatus.TIMEOUT:
            return
