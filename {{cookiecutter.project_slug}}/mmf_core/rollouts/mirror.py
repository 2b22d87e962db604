"""Copies of requests, which the candidate processes in a separate process.

No caller waits for them: a worker sends a copy if there is room, and drops it otherwise. Whatever
the candidate does to that process, be it crash, hang or use up memory, the service is not
affected, and the process is replaced. Its niceness is higher than the workers', and it is the
first to be killed when memory runs out.
"""

from __future__ import annotations

import io
import logging
import os
import pickle
import signal
import socket
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from time import perf_counter
from typing import Any

from ..execution import Execution
from .comparison import same
from .counters import CANDIDATE, Counters

MAX_COPY_BYTES = 16 * 1024 * 1024
"""Bytes of a copy; a larger one is dropped."""
CALL_TIMEOUT = 30.0
"""Seconds for a call; then the process ends, and the call with it."""
_NICENESS = 10
_SCHEDULED = Path("/proc/self/schedstat")  # nanoseconds running, waiting to run; timeslices
_log = logging.getLogger("mmf.rollout")


class Mirror:
    """A queue from the workers to the process that handles copies; created before the fork.

    The kernel buffers about ten copies; each is a file in memory, whose descriptor is sent.
    """

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._receiver, self._sender = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._sender.setblocking(False)

    def pickled(self, values: Mapping[str, Any]) -> bytes | None:
        """Return a copy of values before the function may change them; None if impossible."""
        try:
            return _pickled(values)
        except Exception:  # noqa: BLE001 - too large, or a descriptor of the author's own
            return None

    def send(self, route: str, values: bytes | None, result: Any) -> None:
        """Send a copy of a request, and its result, unless the queue is full."""
        is_sent = False
        with suppress(Exception):  # whatever pickling raises, the caller has its response
            if values is not None:
                is_sent = self._put(_pickled((route, values, result)))
        self._counters.add_copy(**{"sent" if is_sent else "dropped": 1})

    def _put(self, content: bytes) -> bool:
        with (
            tempfile.TemporaryFile()
            if not hasattr(os, "memfd_create")
            else os.fdopen(os.memfd_create("mmf-copy"), "w+b") as file
        ):
            file.write(content)
            file.flush()
            socket.send_fds(self._sender, [b"c"], [file.fileno()])
        return True

    def process(self, executions: Mapping[str, Execution]) -> Callable[[], None]:
        """Return a function that handles copies until the service ends."""
        master = os.getpid()

        def run() -> None:
            _lower_priority()
            self._receiver.settimeout(1.0)
            while os.getppid() == master:
                with suppress(TimeoutError):
                    self._handle(executions, self._next())

        return run

    def _next(self) -> tuple[str, bytes, Any]:
        _, descriptors, _, _ = socket.recv_fds(self._receiver, 1, 1)
        with os.fdopen(descriptors[0], "rb") as file:
            file.seek(0)
            content: tuple[str, bytes, Any] = pickle.load(file)  # noqa: S301 - from our own worker
        return content

    def _handle(self, executions: Mapping[str, Execution], copy: tuple[str, bytes, Any]) -> None:
        route, values, expected = copy
        arguments = pickle.loads(values)  # noqa: S301 - as above
        signal.setitimer(signal.ITIMER_REAL, CALL_TIMEOUT)
        started, failed, is_different = perf_counter() - _waited(), True, 1
        # Counted before the call, as different: a call that ends this process has failed.
        self._counters.add_copy(compared=1, different=1, failed=1)
        self._counters.begin_call()
        try:
            actual = executions[route](arguments)
            failed = False
            is_different = not same(expected, actual)
        except Exception as error:  # noqa: BLE001 - nobody waits for it
            _log.info("%s: the candidate fails on a copy: %s", route, type(error).__name__)
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._counters.end_call()
        self._counters.add_copy(different=is_different - 1, failed=failed - 1)
        seconds = perf_counter() - _waited() - started
        self._counters.add_call(CANDIDATE, seconds, failed=failed)


class _TooLarge(Exception):
    """A copy has more than `MAX_COPY_BYTES` bytes."""


class _Copy(io.BytesIO):
    """A file that stops writing as soon as it is too large: values may take gigabytes."""

    def write(self, data: Any) -> int:
        if self.tell() + memoryview(data).nbytes > MAX_COPY_BYTES:
            raise _TooLarge
        return super().write(data)


def _pickled(value: Any) -> bytes:
    """Pickle a value; _TooLarge as soon as it exceeds `MAX_COPY_BYTES`."""
    file = _Copy()
    pickle.Pickler(file, protocol=5).dump(value)
    return file.getvalue()


def _waited() -> float:
    """Return for how many seconds this process was runnable, but waited for the CPU.

    It yields to others, so this time is not the candidate's. 0 if the system does not report it.
    """
    try:
        return int(_SCHEDULED.read_text(encoding="ascii").split()[1]) / 1e9
    except (OSError, IndexError, ValueError):
        return 0.0


def _lower_priority() -> None:
    """Give the workers precedence in CPU and memory."""
    with suppress(OSError):
        os.nice(_NICENESS)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
