"""Whether targets survive the fork: gunicorn's master loads the artifacts, its workers call.

A fork takes the memory and one thread along. Other threads are gone, connections are shared by all
workers, and many a device refuses. So every target is called on its example in a fork, and after
that here, where its artifacts were loaded: the same objects, and only the fork between the two.
Never the other way round: what has been used may not survive a fork that it survives unused.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import NoReturn

import click

from ..codecs import preload
from ..example_calls import CallResult, CallStatus, call, call_in_forks
from ..registry import Registry, load

LONGEST_CALL = 30
"""Seconds for one call, and for what is loaded in the fork."""
SECONDS = click.IntRange(1, 86_400)
REPEATS = 4
REPEAT_AFTER = 1.1  # seconds: an answer with the time in it, to the second, has changed by then
REMEDY = (
    "load what they use in a function under @mmf.artifact(…, preload=False), "
    "and each worker calls it for itself"
)
EXAMPLE_FAILS = "its example fails without a fork, too; a schema= or a default= makes a better one"


class Verdict(Enum):
    """What is said of a target."""

    SAFE = "safe"
    VARIES = "varies"
    UNKNOWN = "not checked"
    HANGS = "hangs"
    DIFFERS = "differs"
    FAILS = "fails"

    @property
    def is_bad(self) -> bool:
        """Whether the fork is to blame."""
        return self in {Verdict.HANGS, Verdict.DIFFERS, Verdict.FAILS}


@click.command("check-fork", hidden=True)  # a step of `mmfmeta test`
@click.argument("module", default="main")
@click.option("--timeout", default=LONGEST_CALL, type=SECONDS)
def check_fork(module: str, timeout: int) -> None:
    """Load MODULE's artifacts, call each target in a fork and then here, compare the answers."""
    if not hasattr(os, "fork"):
        click.echo("not checked: there is no fork on this system")
        return
    bad = []
    for route, (verdict, reason) in check(load(module), timeout).items():
        click.echo(f"  {route}: {verdict.value}" + (f": {reason}" if reason else ""))
        if verdict.is_bad:
            bad.append(route)
    if bad:
        click.echo(f"Error: the fork breaks {', '.join(bad)}: {REMEDY}", err=True)
    _exit(1 if bad else 0)


def check(registry: Registry, seconds: float) -> dict[str, tuple[Verdict, str]]:
    """Return a verdict and its reason by route; `seconds` is the limit of each call.

    ArtifactError if an artifact cannot be loaded. Nothing may have been called here before.
    """
    targets = list(registry.targets.values())
    registry.load_artifacts(before_fork=True)
    for target in targets:
        for descriptor in target.descriptors:
            preload(descriptor.kind)
    forked = call_in_forks(registry, targets, seconds)
    registry.load_artifacts()
    here = [call(target, seconds) for target in targets]
    return {
        target.route: judge(there, one, partial(call, target, seconds))
        for target, there, one in zip(targets, forked, here, strict=True)
    }


def judge(
    forked: CallResult, here: CallResult, again: Callable[[], CallResult]
) -> tuple[Verdict, str]:
    """Say whether the fork is to blame, and for what; `again` repeats the call made here."""
    if here.status is CallStatus.TIMEOUT:
        return Verdict.UNKNOWN, "no answer in time without a fork either; try --fork-timeout"
    if forked.status is CallStatus.TIMEOUT:
        return Verdict.HANGS, "no answer in time; if it needs longer in a worker, --fork-timeout"
    if here.status in {CallStatus.FAILED, CallStatus.REJECTED}:
        return Verdict.UNKNOWN, f"{EXAMPLE_FAILS}: {here.content.decode()}"
    return (Verdict.SAFE, "") if forked == here else _blame(forked, here, again)


def _blame(
    forked: CallResult, here: CallResult, again: Callable[[], CallResult]
) -> tuple[Verdict, str]:
    """Blame the fork for another outcome, unless that changes from call to call anyway."""
    time.sleep(REPEAT_AFTER)
    if any(again() != here for _ in range(REPEATS)):
        return Verdict.VARIES, "it answers otherwise each time, also without a fork; not compared"
    if forked.status is CallStatus.OK:
        return Verdict.DIFFERS, "its answer is another one than without a fork"
    return Verdict.FAILS, forked.content.decode()


def _exit(code: int) -> NoReturn:
    """End this process, also where a thread that an artifact has started would keep it for ever."""
    if any(not one.daemon for one in threading.enumerate() if one is not threading.main_thread()):
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
