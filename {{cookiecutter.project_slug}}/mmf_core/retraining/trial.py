"""Tests a new version as a reload does, in a copy of the project, before it is promoted.

The copy has links to the project's files, copies of its modules, whose folder is then the copy, and
the new model. A new interpreter imports main.py there and calls the targets on their examples: the
process that has trained has OpenMP's threads, which do not survive a fork.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from ..example_calls import CallResult, CallStatus, Failure, call_on_example, failed_example
from ..projects import copy_project
from ..settings import Settings
from ..stores.lockfile import LOCK

TRIAL_TIMEOUT = 600.0
"""Seconds for loading a version and calling its targets."""
_PREFIX = ".retraining-"
_MODULE = f"{__package__}.trial"
_RESULT = ".trial.json"
_NOT_OURS = ("PROMETHEUS_MULTIPROC_DIR",)  # its counts are those of the service


@contextmanager
def candidate_folder(file: Path) -> Iterator[Path]:
    """Create a copy of the project without `file` and artifacts.lock; it is removed afterwards.

    One process at a time does so for a file: an existing folder is a leftover of a crash. It is in
    the project, on the file's own disk, unless that is read-only, as in an image.
    """
    with ExitStack() as stack:
        if is_writable(Path.cwd()):
            folder = Path.cwd() / f"{_PREFIX}{'-'.join(file.parts)}"
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            shutil.rmtree(folder, ignore_errors=True)
        else:
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=_PREFIX)))
        copy_project(folder, {file: None, LOCK: None}, skip=_PREFIX)
        yield folder


def is_writable(folder: Path) -> bool:
    """Return whether this process may create files in a folder, if it is there."""
    return not folder.exists() or os.access(folder, os.W_OK)


def try_version(folder: Path) -> Failure | None:
    """Return why a version must not be promoted; None if it may be."""
    return _run(folder, str(Path.cwd()))


def _run(folder: Path, *arguments: str) -> Failure | None:
    """Run this module in a folder; return the failure that it reports."""
    result = folder / _RESULT
    command = [sys.executable, "-m", _MODULE, str(result), *arguments]
    environment = {name: text for name, text in os.environ.items() if name not in _NOT_OURS}
    process = subprocess.Popen(
        command,
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        code = process.wait(TRIAL_TIMEOUT)
    except subprocess.TimeoutExpired:
        return Failure.plain(f"the new version did not load within {TRIAL_TIMEOUT:g} seconds")
    finally:
        process.kill()
        process.wait()
    if not result.exists():
        ending = f"exit code {code}" if code >= 0 else signal.Signals(-code).name
        return Failure.plain(f"the process that tried it ended, {ending}")
    failure = json.loads(result.read_text(encoding="utf-8"))
    return Failure(*failure) if failure else None


def _call_old(folder: str, route: str) -> CallResult | None:
    """Call a target of the current version, in a separate interpreter."""
    reported = Path(f".old-{route}.json").absolute()
    command = [sys.executable, "-m", _MODULE, str(reported), folder, route]
    subprocess.run(command, cwd=folder, timeout=TRIAL_TIMEOUT, check=False)
    status = json.loads(reported.read_text(encoding="utf-8")) if reported.exists() else ""
    return CallResult(CallStatus(status.encode())) if status else None


def _try(old: str) -> Failure | None:
    """Load the project of this folder, and call its targets on their examples."""
    from ..registry import default
    from ..web import create_app

    try:
        create_app("main")
        if not Settings.from_env().warm_up:
            return None
        return failed_example(default, partial(_call_old, old))
    except (Exception, SystemExit) as error:  # noqa: BLE001 - every error is reported
        return Failure.of(error)


def _status_of(route: str) -> str:
    from ..registry import default
    from ..web import create_app

    create_app("main")
    result = call_on_example(default, route)
    return result.status.value.decode() if result else ""


def main(result: str, old: str, route: str = "") -> None:
    """Write the failure of the version in this folder, or the status of a call of `route`."""
    sys.path.insert(0, str(Path.cwd()))
    reported = _status_of(route) if route else _try(old)
    Path(result).write_text(json.dumps(reported), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
