"""Processes of capabilities beside the workers: forked from gunicorn's master, replaced by it.

Each is forked after the artifacts are loaded, as a worker is, and shares their memory. On SIGHUP it
finishes what it does while its successor is already at work; when the service shuts down, the
master waits for it.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ..capabilities import Capability, capabilities
from . import graceful_shutdown

RESTART_INTERVAL = 1.0  # seconds between two starts of the same process
SLACK = 2.0  # seconds beyond the time that a process has to end
_SIGNALS = ("HUP", "QUIT", "INT", "TERM", "TTIN", "TTOU", "USR1", "USR2", "WINCH", "CHLD")
_log = logging.getLogger("mmf.companions")


class Companions:
    """The companions of one master."""

    def __init__(self, server: Any) -> None:
        self._server = server
        self._grace = max(0.0, server.cfg.graceful_timeout - graceful_shutdown.MARGIN)
        self._pids: dict[str, int] = {}
        self._started: dict[str, float] = {}
        self._retired: list[int] = []
        self._manage_workers: Callable[[], None] = server.manage_workers

    def replace(self) -> None:
        """Start new ones, of the version that the master has just loaded."""
        pids = [*filter(self._is_running, self._pids.values())]
        for pid in pids:
            _signal(pid, signal.SIGHUP)
        self._retired += pids
        self._pids, self._started = {}, {}

    def stop(self) -> None:
        """End all of them, and wait; unless the service is draining they must end at once."""
        pids = [*filter(self._is_running, [*self._pids.values(), *self._retired])]
        is_draining = graceful_shutdown.has_begun()  # which they have seen
        for pid in pids:
            _signal(pid, signal.SIGTERM if is_draining else signal.SIGINT)
        end = time.monotonic() + (self._grace if is_draining else 0) + SLACK
        while (pids := [*filter(self._is_running, pids)]) and time.monotonic() < end:
            time.sleep(0.02)
        for pid in pids:
            _signal(pid, signal.SIGKILL)

    def manage(self) -> None:
        """Manage the workers, and start the processes that are missing."""
        self._manage_workers()
        if graceful_shutdown.has_begun():
            return
        self._retired = [*filter(self._is_running, self._retired)]
        for name, capability in capabilities().items():
            if self._may_start(name):
                self._start(name, capability)

    def _start(self, name: str, capability: Capability) -> None:
        self._started[name] = time.monotonic()
        try:
            if run := capability.process and capability.process(self._grace):
                self._pids[name] = self._fork(name, run)
            else:
                self._started[name] = math.inf  # nothing to start before the next version
        except (OSError, ImportError) as error:  # no process or file is left; continue
            _log.error("the process of %s cannot be started: %s", name, error)

    def _may_start(self, name: str) -> bool:
        if name in self._pids and self._is_running(self._pids[name]):
            return False
        return time.monotonic() - self._started.get(name, -RESTART_INTERVAL) >= RESTART_INTERVAL

    def _fork(self, name: str, run: Callable[[], None]) -> int:
        if pid := os.fork():
            return pid
        code = 1
        try:
            for signal_name in _SIGNALS:
                signal.signal(getattr(signal, f"SIG{signal_name}"), signal.SIG_DFL)
            for listener in self._server.LISTENERS:  # or connections would hang without the master
                listener.close()
            run()
            code = 0
        except BaseException:  # noqa: BLE001 - it must not return into the master's loop
            _log.exception("the process of %s failed", name)
        finally:
            os._exit(code)

    def _is_running(self, pid: int) -> bool:
        """Report whether a process is ours still; the arbiter may have reaped it."""
        if pid in self._server.WORKERS:  # it has, and has forked a worker with the same number
            return False
        with suppress(ChildProcessError):
            return not os.waitpid(pid, os.WNOHANG)[0]
        return False


_companions: Companions | None = None


def start(server: Any) -> None:
    """Have gunicorn's arbiter keep the processes running, as it does its workers."""
    global _companions  # noqa: PLW0603 - of this master
    _companions = Companions(server)
    server.manage_workers = _companions.manage


def replace() -> None:
    """Replace the processes after a reload."""
    if _companions:
        _companions.replace()


def stop() -> None:
    """End the processes with the service."""
    if _companions:
        _companions.stop()


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
