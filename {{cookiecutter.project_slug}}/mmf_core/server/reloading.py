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
import sys
import sysconfig
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from types import ModuleType
from typing import Any

from ..capabilities import parts
from ..example_calls import CallResult, CallStatus, Failure, Fork, call_in_forks
from ..example_calls.forks import set_alarm
from ..registry import Registry, default
from ..settings import Settings
from ..target import Target

LONGEST_TRIAL = 600.0  # seconds for loading a new version and calling its targets
LONGEST_CALL = 30.0  # seconds for one target
_OURS = {__name__.partition(".")[0], "mmf_meta"}
_ELSEWHERE = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib")}
_log = logging.getLogger("mmf.reload")


def answer_sighup(server: Any) -> None:
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
        refusal = _trial(server)
        if refusal is None:
            _take(server.app)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is told
        refusal = Failure.of(error)
    if refusal is None:
        _log.info("the new version is taken")
        replace_workers()
    else:
        _log.error("the new version is not taken, the old one goes on: %s", refusal.detail)
        default.fingerprints = seen  # so that it is not tried again until something changes
        now = datetime.now(UTC).isoformat(timespec="seconds")
        default.last_reload_error.write(failed=refusal.public, at=now)


def _take(app: Any) -> None:
    """Let the workers to come share the new version, as at the start, and let the old one go."""
    try:
        renew(app)
    finally:
        gc.unfreeze()
        gc.collect()
        gc.freeze()


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
        if fork.reader.poll(LONGEST_TRIAL):
            text = "the process that tried it ended"
            reason: Failure | None
            (reason,) = fork.reader.recv()
            return reason
    except EOFError:
        pass
    finally:
        status = fork.end()
    return Failure.plain(f"{text}, {status}")


def _rehearse(server: Any, to: Connection) -> None:
    """Do what the master and a worker would do, in a process of its own, and send the reason."""
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
