"""The warm-up: the first call of every target, which is often slow, before any caller's."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from threading import Thread

from ..registry import Registry
from ..target import DEFAULT_OPTIONS, Target
from .calls import CallStatus, call

_log = logging.getLogger("mmf.warmup")


def warm_up(registry: Registry, seconds: float) -> None:
    """Call every target that takes something on its example; return after `seconds` at the latest.

    What fails keeps the registry from being ready, and so does what has not ended, until it has.
    """
    targets = [one for one in registry.targets.values() if one.required]
    registry.pending_warmups = {one.route: f"{one.route} is being warmed up" for one in targets}
    # A thread, as for every request: it may hang, and OpenMP must not begin in the main thread.
    thread = Thread(target=_warm, args=(registry, targets), name="mmf-warm-up", daemon=True)
    thread.start()
    thread.join(seconds)


def _warm(registry: Registry, targets: Sequence[Target]) -> None:
    for target in targets:
        outcome = call(
            replace(target, call_options=DEFAULT_OPTIONS)
        )  # a first call may take its time
        if outcome.status is CallStatus.FAILED:
            failure = outcome.failure(target.route)
            registry.pending_warmups[target.route] = failure.public
            _log.error("not ready: %s", failure.detail)
            continue
        if outcome.status is CallStatus.REJECTED:
            _log.debug("%s", outcome.failure(target.route).detail)
        del registry.pending_warmups[target.route]
