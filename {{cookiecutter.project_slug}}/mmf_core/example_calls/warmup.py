"""The warm-up: the first, often slow call of each target, before any client's."""

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
    """Call every target that has required arguments; return after `seconds` at the latest.

    The registry is not ready while a call is running, nor after one has failed.
    """
    targets = [target for target in registry.targets.values() if target.is_tried]
    registry.pending_warmups = {
        target.route: f"{target.route} is being warmed up" for target in targets
    }
    # A thread, as for every request: it may hang, and OpenMP must not start in the main thread.
    thread = Thread(target=_warm, args=(registry, targets), name="mmf-warm-up", daemon=True)
    thread.start()
    thread.join(seconds)


def _warm(registry: Registry, targets: Sequence[Target]) -> None:
    for target in targets:
        # Without the target's own time limit: a first call may be slow.
        result = call(replace(target, call_options=DEFAULT_OPTIONS))
        if result.status is CallStatus.FAILED:
            failure = result.failure(target.route)
            registry.pending_warmups[target.route] = failure.public
            _log.error("not ready: %s", failure.detail)
            continue
        if result.status is CallStatus.UNAVAILABLE:  # in all workers alike; calls get a 503
            _log.warning("%s", result.failure(target.route).detail)
        if result.status is CallStatus.REJECTED:
            level = logging.WARNING if target.has_examples else logging.DEBUG
            _log.log(level, "%s", result.failure(target.route).detail)
        del registry.pending_warmups[target.route]
