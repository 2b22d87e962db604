"""Check that targets survive a fork: gunicorn's master loads the artifacts, its workers call them.

A fork copies the memory and one thread. Other threads are gone, connections are shared by all
workers, and many devices stop working. So every target is called on its example in a fork first,
and then here, where its artifacts were loaded: the same objects, with only the fork as a
difference. The order matters: an object that has been used may no longer survive a fork.
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
from ..example_calls import CallResult, CallStatus, call, call_in_forks, use_model_schemas
from ..registry import Registry, load

LONGEST_CALL = 30
"""Seconds for one call, and for loading in the fork."""
SECONDS = click.IntRange(1, 86_400)
REPEATS = 4
REPEAT_AFTER = 1.1  # seconds, after which a result that contains the time has changed
REMEDY = (
    "load the objects they use in a function under @mmf.artifact(…, preload=False), so that each "
    "worker loads its own"
)
GUESSED = "its example is a guess that it rejects; write example= in main.py"


class Verdict(Enum):
    """The result for a target."""

    SAFE = "safe"
    VARIES = "varies"
    UNKNOWN = "not checked"
    HANGS = "hangs"
    DIFFERS = "differs"
    FAILS = "fails"
    BROKEN = "fails on its example"

    @property
    def blames_fork(self) -> bool:
        """Whether the fork is to blame."""
        return self in {Verdict.HANGS, Verdict.DIFFERS, Verdict.FAILS}


@click.command("check-fork", hidden=True)  # a step of `mmfmeta test`
@click.argument("module", default="main")
@click.option("--timeout", default=LONGEST_CALL, type=SECONDS, help="Seconds for each call.")
def check_fork(module: str, timeout: int) -> None:
    """Load the artifacts of MODULE, call each target with and without a fork, compare results."""
    if not hasattr(os, "fork"):
        click.echo("not checked: this system cannot fork")
        return
    verdicts = {}
    for route, (verdict, reason) in check(load(module), timeout).items():
        click.echo(f"  {route}: {verdict.value}" + (f": {reason}" if reason else ""))
        verdicts[route] = verdict
    broken = [route for route, verdict in verdicts.items() if verdict is Verdict.BROKEN]
    forked = [route for route, verdict in verdicts.items() if verdict.blames_fork]
    if broken:
        click.echo(f"Error: {', '.join(broken)} cannot predict: see above", err=True)
    if forked:
        click.echo(f"Error: the fork breaks {', '.join(forked)}: {REMEDY}", err=True)
    _exit(1 if broken or forked else 0)


def check(registry: Registry, seconds: float) -> dict[str, tuple[Verdict, str]]:
    """Return a verdict and its reason by route; `seconds` is the time limit of each call.

    ArtifactError if an artifact cannot be loaded. No target may have been called here before.
    """
    registry.load_artifacts(before_fork=True)
    use_model_schemas(registry)
    targets = [target for target in registry.targets.values() if not target.trains]
    for target in targets:
        for descriptor in target.descriptors:
            preload(descriptor.kind)
    forked = call_in_forks(registry, targets, seconds)
    registry.load_artifacts()
    unforked = [call(target, seconds) for target in targets]
    return {
        target.route: judge(
            in_fork, here, partial(call, target, seconds), is_guess=not target.has_examples
        )
        for target, in_fork, here in zip(targets, forked, unforked, strict=True)
    }


def judge(
    forked: CallResult, here: CallResult, again: Callable[[], CallResult], *, is_guess: bool = True
) -> tuple[Verdict, str]:
    """Return whether the fork is to blame, and why; `again` repeats the call made here.

    A target may reject an example that is a guess, but not the author's.
    """
    if here.status is CallStatus.TIMEOUT:
        return Verdict.UNKNOWN, "timed out without a fork, too; try --fork-timeout"
    for result in (here, forked):
        if result.status is CallStatus.UNAVAILABLE:
            return Verdict.UNKNOWN, result.content.decode()
    if forked.status is CallStatus.TIMEOUT:
        return Verdict.HANGS, "timed out; if it needs longer in a worker, use --fork-timeout"
    if here.status is CallStatus.FAILED or (here.status is CallStatus.REJECTED and not is_guess):
        return Verdict.BROKEN, here.content.decode()
    if here.status is CallStatus.REJECTED:
        return Verdict.UNKNOWN, f"{GUESSED}: {here.content.decode()}"
    return (Verdict.SAFE, "") if forked == here else _blame(forked, here, again)


def _blame(
    forked: CallResult, here: CallResult, again: Callable[[], CallResult]
) -> tuple[Verdict, str]:
    """Blame the fork for a different result, unless the result varies between calls anyway."""
    time.sleep(REPEAT_AFTER)
    if any(again() != here for _ in range(REPEATS)):
        return Verdict.VARIES, "its result varies between calls, also without a fork; not compared"
    if forked.status is CallStatus.OK:
        return Verdict.DIFFERS, "its result differs from the one without a fork"
    return Verdict.FAILS, forked.content.decode()


def _exit(code: int) -> NoReturn:
    """End this process, even if a thread started by an artifact would keep it alive."""
    main_thread = threading.main_thread()
    if any(not thread.daemon for thread in threading.enumerate() if thread is not main_thread):
        sys.stdout.flush()
        os._exit(code)
    sys.exit(code)
