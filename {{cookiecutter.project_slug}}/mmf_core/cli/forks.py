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
from collections.abc import Iterator, Sequence
from enum import Enum
from multiprocessing.connection import Connection, Pipe
from typing import Any, NamedTuple

from ..codecs import find, json_of
from ..errors import DeadlineExceeded, TargetError
from ..execution import Execution
from ..registry import Registry
from ..settings import Settings
from ..target import Target

ORPHANED_AFTER = 5  # seconds after the limit; before that, the process that forked ends a fork


class Ending(Enum):
    """How a call ended; the value is the first byte of the message that a fork sends."""

    ANSWERED = b"A"
    FAILED = b"F"
    LATE = b"L"


class Outcome(NamedTuple):
    """What came of a call: the answer's bytes, or the reason why there is none."""

    ending: Ending
    content: bytes = b""


def call(target: Target, seconds: float) -> Outcome:
    """Call a target on the examples of what it requires."""
    try:
        values = {
            name: json_of(one.kind).from_plain(one.example(), one.options)
            for name, one in target.arguments.items()
            if one.required
        }
        result = Execution(target, Settings(timeout=seconds))(values)
        return Outcome(Ending.ANSWERED, _encoded(target, result))
    except DeadlineExceeded:
        return Outcome(Ending.LATE)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told
        return _failure(error)


def call_in_forks(registry: Registry, targets: Sequence[Target], seconds: float) -> list[Outcome]:
    """Call targets in turn, in a fork, and in another one after each that hangs or ends it."""
    outcomes: list[Outcome] = []
    while len(outcomes) < len(targets):
        outcomes += _call_in_a_fork(registry, targets[len(outcomes) :], seconds)
    return outcomes


def report(registry: Registry, targets: Sequence[Target], seconds: float, to: Connection) -> None:
    """Call targets in turn, as a new worker does, and send what comes of each until one hangs."""
    for target in targets:
        # Should the process that waits for this one be killed, nobody else would end it.
        signal.alarm(math.ceil(seconds) + ORPHANED_AFTER)
        try:
            registry.make_ready()
            outcome = call(target, seconds)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is told
            outcome = _failure(error)
        to.send_bytes(outcome.ending.value + outcome.content)
        if outcome.ending is Ending.LATE:
            return


def _call_in_a_fork(registry: Registry, targets: Sequence[Target], seconds: float) -> list[Outcome]:
    """Return what comes of each target, up to the first that hangs or ends the process."""
    reader, writer = Pipe(duplex=False)
    with reader:
        with writer:
            pid = _fork()
            if not pid:
                try:
                    report(registry, targets, seconds, writer)
                finally:
                    os._exit(0)
        try:
            outcomes = list(_received(reader, len(targets), seconds))
        finally:
            status = _end(pid)
    if len(outcomes) == len(targets) or Outcome(Ending.LATE) in outcomes:
        return outcomes
    return [*outcomes, Outcome(Ending.FAILED, f"the process ended, {status}".encode())]


def _fork() -> int:
    sys.stdout.flush()  # else what waits there could be written twice
    with warnings.catch_warnings():
        # Python 3.12 warns of a fork where there are threads, which is what is looked into here.
        warnings.simplefilter("ignore", DeprecationWarning)
        return os.fork()


def _received(reader: Connection, count: int, seconds: float) -> Iterator[Outcome]:
    """Yield what a fork sends, until it hangs or has ended."""
    for _ in range(count):
        if not reader.poll(seconds):
            yield Outcome(Ending.LATE)
            return
        try:
            message = reader.recv_bytes()
        except (EOFError, OSError):
            return
        outcome = Outcome(Ending(message[:1]), message[1:])
        yield outcome
        if outcome.ending is Ending.LATE:
            return


def _end(pid: int) -> str:
    """End a process, and say how it had ended if it had."""
    os.kill(pid, signal.SIGKILL)  # one that has ended waits to be asked how, and stays as it is
    _, status = os.waitpid(pid, 0)
    code = os.waitstatus_to_exitcode(status)
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name


def _encoded(target: Target, result: Any) -> bytes:
    """Return the answer as JSON if it can be that: a workbook holds the time of its writing."""
    if target.returns is None:
        return b""
    try:
        return json_of(target.returns.kind).encode(result, target.returns.options)
    except (TypeError, ValueError):
        codec = find(target.returns.kind, target.returns.answer_format)
        return codec.encode(result, target.returns.options) if codec else b""


def _failure(error: Exception) -> Outcome:
    cause = error.__cause__ if type(error) is TargetError else error
    reason = " ".join(f"{type(cause).__name__}: {cause}".split())
    return Outcome(Ending.FAILED, reason.encode(errors="backslashreplace"))
