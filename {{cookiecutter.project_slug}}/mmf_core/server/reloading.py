"""SIGHUP: a running service switches to a new version of the project, or rejects it.

On SIGHUP gunicorn replaces every worker, and lets the old ones finish their requests. With
`preload_app` the master holds the application, so the master must load the new version. A fork
tries everything first: if the new version hangs or crashes, no worker is affected. The master
itself never predicts: OpenMP would not survive the next fork.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from threading import Event
from typing import Any

from gunicorn.errors import HaltServer

from ..capabilities import parts
from ..example_calls import Failure, Fork, call_on_example, failed_example
from ..example_calls.forks import set_alarm
from ..projects import forget, own_modules
from ..registry import Registry, default
from ..settings import Settings

TRIAL_TIMEOUT = 600.0  # seconds for loading a new version and calling its targets
STOP_TIMEOUT = 1.0  # seconds for main.py to end when the service is stopped
SLACK = 30.0  # seconds by which the master may take longer than the fork that has tried
_POLL_INTERVAL = 0.2  # seconds between two checks of the workers meanwhile
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_log = logging.getLogger("mmf.reload")


def handle_sighup(server: Any) -> None:
    """Have gunicorn's arbiter replace its workers only if a new version of the project works."""
    default.last_reload_error.share()
    server.handle_hup = partial(_reload, server, server.handle_hup)


def _reload(server: Any, replace_workers: Callable[[], None]) -> None:
    """Switch to the current files of the project if they load and predict; else log why not."""
    if server.app.callable is None:  # without preload_app each worker imports for itself
        replace_workers()
        return
    fingerprints, began = default.fingerprint(), time.monotonic()
    try:
        failure = _try_in_fork(server) or _switch(server, time.monotonic() - began + SLACK)
    except _Stopped:
        _log.info("reload abandoned: the service is shutting down")
        return
    except Exception as error:  # noqa: BLE001 - SystemExit ends a new worker
        failure = Failure.of(error)
    if failure is None:
        _log.info("reload accepted: new workers start with the new version")
        replace_workers()
    else:
        _log.error("reload rejected, keeping the current version: %s", failure.detail)
        default.fingerprints = fingerprints  # not tried again until a file changes
        now = datetime.now(UTC).isoformat(timespec="seconds")
        default.last_reload_error.write(failed=failure.public, at=now)


class _Stopped(BaseException):
    """gunicorn's master got a signal to stop while it reloads."""


class _TooSlow(BaseException):
    """Loading a new version in gunicorn's master takes longer than it did in a fork."""


def _stop(server: Any) -> None:
    """Leave the project's code, or end the service in the midst of it if it catches this too."""

    def end(*_: object) -> None:
        server.log.warning("main.py catches every exception; the service ends while it loads")
        server.stop()
        server.cfg.on_exit(server)
        os._exit(0)

    signal.signal(signal.SIGALRM, end)
    signal.setitimer(signal.ITIMER_REAL, STOP_TIMEOUT)
    raise _Stopped


@contextmanager
def _time_limit(seconds: float) -> Iterator[None]:
    """Raise _TooSlow in the block after `seconds`: meanwhile the master replaces no worker."""

    def handle(*_: object) -> None:
        raise _TooSlow

    handler = signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)


@contextmanager
def _on_stop_signal(server: Any, react: Callable[[], None]) -> Iterator[None]:
    """Also call `react` on a stop signal, which gunicorn's loop only sees after the block."""

    def handle(number: int, frame: Any) -> None:
        server.signal(number, frame)
        react()

    handlers = {number: signal.signal(number, handle) for number in _STOP_SIGNALS}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _switch(server: Any, seconds: float) -> Failure | None:
    """Load the new version in the master, for future workers to share, and free the old one."""
    try:
        with _on_stop_signal(server, partial(_stop, server)), _time_limit(seconds):
            reimport(server.app)
    except _TooSlow:
        return Failure.plain(f"the new version did not load again within {seconds:.0f} seconds")
    except (Exception, SystemExit) as error:  # noqa: BLE001 - every error is reported
        return Failure.of(error)
    finally:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    return None


def reimport(app: Any) -> Registry:
    """Import the project again into gunicorn's application; return the old registry.

    If this raises, everything is as before.
    """
    old_modules, old = own_modules(), Registry()
    old.last_reload_error.share()
    default.swap(old)
    try:
        with ExitStack() as stack:
            for reimporting in parts("reimporting"):
                stack.enter_context(reimporting(old_modules.values()))
            forget(old_modules)
            app.callable = app.load()
    except BaseException:
        forget(own_modules())
        sys.modules.update(old_modules)
        default.swap(old)
        raise
    return old


def _try_in_fork(server: Any) -> Failure | None:
    """Return why the new version must be rejected, if so; nothing changes in this process."""
    fork = Fork(partial(_try_version, server))
    text = f"the new version did not load within {TRIAL_TIMEOUT:g} seconds"
    try:
        if _wait_for_result(server, fork.reader):
            text = "the process that tried it ended"
            failure: Failure | None
            (failure,) = fork.reader.recv()
            fork.end()
            return failure
    except EOFError:
        pass
    except (_Stopped, HaltServer):  # not SystemExit, which ends a new worker here
        fork.end()
        raise
    return Failure.plain(f"{text}, {fork.end()}")


def _wait_for_result(server: Any, reader: Connection) -> bool:
    """Wait for a result, replacing dead workers meanwhile; False after TRIAL_TIMEOUT."""
    end, stopped = time.monotonic() + TRIAL_TIMEOUT, Event()
    with _on_stop_signal(server, stopped.set):  # no exception: it could be raised in a fork
        while time.monotonic() < end:
            if reader.poll(_POLL_INTERVAL):
                return True
            if stopped.is_set():
                raise _Stopped
            if any(_has_ended(pid) for pid in server.WORKERS):
                server.reap_workers()
            server.murder_workers()
            server.manage_workers()
    return False


def _has_ended(pid: int) -> bool:
    """Report whether a child has ended, without reaping it."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _try_version(server: Any, results: Connection) -> None:
    """Do in this fork what the master and a worker would do; send the failure, or None."""
    for number in _STOP_SIGNALS:
        signal.signal(number, signal.SIG_DFL)  # gunicorn's handlers are for the master only
    set_alarm(TRIAL_TIMEOUT)
    for listener in server.LISTENERS:  # or connections would hang if the master is killed
        listener.close()
    try:
        server.app.do_load_config()  # a broken gunicorn.conf.py would end gunicorn
        old = reimport(server.app)
        failure = None
        if Settings.from_env().warm_up:
            failure = failed_example(default, partial(call_on_example, old))
        default.load_artifacts()  # those marked preload=False, as in each worker
    except (Exception, SystemExit) as error:  # noqa: BLE001 - every error is reported
        failure = Failure.of(error)
    results.send((failure,))
