"""A new version of the project, taken by a running service or refused.

gunicorn's answer to SIGHUP is to replace every worker, letting the old ones end their requests.
With `preload_app` the master holds what the workers serve, so that is where a new version comes in.
All is tried first in a process that is thrown away: what a new version breaks, hangs or
crashes, it breaks there, and no worker notices. Nothing is ever predicted in the master: OpenMP
would not survive the next fork.
"""

from __future__ import annotations

import gc
import importlib
import logging
import os
import signal
import sys
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Event
from types import ModuleType
from typing import Any

from gunicorn.errors import HaltServer

from ..capabilities import parts
from ..example_calls import CallResult, CallStatus, Failure, Fork, call_in_forks
from ..example_calls.forks import set_alarm
from ..registry import Registry, default
from ..settings import Settings
from ..target import Target

LONGEST_TRIAL = 600.0  # seconds for loading a new version and calling its targets
LONGEST_CALL = 30.0  # seconds for one target
_BETWEEN_LOOKS = 0.2  # seconds between two looks at the workers meanwhile
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
_OURS = {__name__.partition(".")[0], "mmf_meta"}
_ELSEWHERE = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib")}
_log = logging.getLogger("mmf.reload")


def handle_sighup(server: Any) -> None:
    """Have gunicorn's arbiter replace its workers only where the project has a new version."""
    default.last_reload_error.share()
    server.handle_hup = partial(_hang_up, server, server.handle_hup)


def _hang_up(server: Any, replace_workers: Callable[[], None]) -> None:
    """Take the project as it lies there now, if it loads and predicts; else say why not."""
    if server.app.callable is None:  # without preload_app each worker imports for itself
        replace_workers()
        return
    seen = default.fingerprint()
    try:
        refusal = _trial(server) or _take(server)
    except _Stopped:
        _log.info("reload abandoned: the service is to end")
        return
    except Exception as error:  # noqa: BLE001 - SystemExit is a new worker's end
        refusal = Failure.of(error)
    if refusal is None:
        _log.info("reload accepted: new workers start with the new version")
        replace_workers()
    else:
        _log.error("reload rejected, keeping the current version: %s", refusal.detail)
        default.fingerprints = seen  # so that it is not tried again until something changes
        now = datetime.now(UTC).isoformat(timespec="seconds")
        default.last_reload_error.write(failed=refusal.public, at=now)


class _Stopped(BaseException):
    """gunicorn's master was asked to end while it reloads."""


def _stop() -> None:
    raise _Stopped


@contextmanager
def _on_signal_to_end(server: Any, react: Callable[[], None]) -> Iterator[None]:
    """Call `react`, too, on a signal that gunicorn's loop will only see after the block."""

    def handle(number: int, frame: Any) -> None:
        server.signal(number, frame)
        react()

    handlers = {number: signal.signal(number, handle) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)


def _take(server: Any) -> Failure | None:
    """Let the workers to come share the new version, as at the start, and let the old one go."""
    try:
        with _on_signal_to_end(server, _stop):
            renew(server.app)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is reported
        return Failure.of(error)
    finally:
        gc.unfreeze()
        gc.collect()
        gc.freeze()
    return None


def renew(app: Any) -> Registry:
    """Import the project anew into gunicorn's application; return what the old one declared.

    Whatever it raises, everything is as it was.
    """
    old_modules, old = _modules(), Registry()
    old.last_reload_error.share()
    default.swap(old)
    try:
        with ExitStack() as stack:
            for reimporting in parts("reimporting"):
                stack.enter_context(reimporting(old_modules.values()))
            _forget(old_modules)
            app.callable = app.load()
    except BaseException:
        _forget(_modules())
        sys.modules.update(old_modules)
        default.swap(old)
        raise
    return old


def _trial(server: Any) -> Failure | None:
    """Say why the new version is not to be taken, if so; nothing changes in this process."""
    fork = Fork(partial(_rehearse, server))
    text = f"it is not loaded after {LONGEST_TRIAL:g} seconds"
    try:
        if _replacing_workers(server, fork.reader):
            text = "the process that tried it ended"
            reason: Failure | None
            (reason,) = fork.reader.recv()
            fork.end()
            return reason
    except EOFError:
        pass
    except (_Stopped, HaltServer):  # and not a new worker's end, which passes here, too
        fork.end()
        raise
    return Failure.plain(f"{text}, {fork.end()}")


def _replacing_workers(server: Any, reader: Connection) -> bool:
    """Wait until there is something to read, replacing dead workers; False after LONGEST_TRIAL."""
    end, stopped = time.monotonic() + LONGEST_TRIAL, Event()
    with _on_signal_to_end(server, stopped.set):  # an exception could come between fork and parent
        while time.monotonic() < end:
            if reader.poll(_BETWEEN_LOOKS):
                return True
            if stopped.is_set():
                raise _Stopped
            if any(_has_ended(pid) for pid in server.WORKERS):
                server.reap_workers()
            server.murder_workers()
            server.manage_workers()
    return False


def _has_ended(pid: int) -> bool:
    """Report whether a child has ended, and leave it to be reaped."""
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _rehearse(server: Any, to: Connection) -> None:
    """Do what the master and a worker would do, in a process of its own, and send the reason."""
    for number in _ENDING:
        signal.signal(number, signal.SIG_DFL)  # not gunicorn's, which only the master reads
    set_alarm(LONGEST_TRIAL)
    for listener in server.LISTENERS:  # should the master be killed, nobody would accept
        listener.close()
    try:
        server.app.do_load_config()  # where gunicorn.conf.py is broken, gunicorn ends
        old = renew(server.app)
        reason = _fault(old) if Settings.from_env().warm_up else None
        default.load_artifacts()  # the rest, as each worker does
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is told
        reason = Failure.of(error)
    to.send((reason,))


def _fault(old: Registry) -> Failure | None:
    """Say which target does not answer its example, though it should."""
    targets = [one for one in default.targets.values() if one.required]
    outcomes = call_in_forks(default, targets, LONGEST_CALL)
    for target, outcome in zip(targets, outcomes, strict=True):
        if outcome.status is not CallStatus.OK and _is_worse(outcome, target, old):
            return outcome.failure(target.route)
    return None


def _is_worse(outcome: CallResult, target: Target, old: Registry) -> bool:
    """Tell whether the new version is to blame, and not the example: the old one answers it."""
    before = old.targets.get(target.route)
    if outcome.status is CallStatus.FAILED or before is None:
        return outcome.status is CallStatus.FAILED
    return call_in_forks(old, [before], LONGEST_CALL)[0].status is CallStatus.OK


def _modules() -> dict[str, ModuleType]:
    """Return what has been imported from the project's folder, without this package."""
    return {name: module for name, module in list(sys.modules.items()) if _is_own(name, module)}


def _is_own(name: str, module: ModuleType) -> bool:
    if name.startswith("__") or name.partition(".")[0] in _OURS:
        return False
    file = getattr(module, "__file__", None)
    # A package made up by another one, as six.moves is, lies nowhere.
    place = Path(file or next(iter(getattr(module, "__path__", ())), "/"))
    return (
        place.is_relative_to(Path.cwd())
        and place.suffix in {"", ".py"}  # most extension modules cannot be imported twice
        and not any(place.is_relative_to(one) for one in _ELSEWHERE)
    )


def _forget(modules: dict[str, ModuleType]) -> None:
    for name in modules:
        del sys.modules[name]
    importlib.invalidate_caches()
