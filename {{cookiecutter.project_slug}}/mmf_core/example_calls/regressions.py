"""Whether a new version of a project fails on an example that it should not fail on."""

from __future__ import annotations

from collections.abc import Callable

from ..registry import Registry
from .calls import CallResult, CallStatus, Failure
from .forks import call_in_forks

CALL_TIMEOUT = 30.0
"""Seconds for one target."""


def failed_example(
    registry: Registry, call_old: Callable[[str], CallResult | None]
) -> Failure | None:
    """Return the failure of the first target that fails on its example, but should not.

    `call_old` calls a target of the old version with its example; None if it has none of that name.
    """
    targets = [target for target in registry.targets.values() if target.is_tried]
    results = call_in_forks(registry, targets, CALL_TIMEOUT)
    for target, result in zip(targets, results, strict=True):
        if result.status is not CallStatus.OK and _is_regression(result, target.route, call_old):
            return result.failure(target.route)
    return None


def call_on_example(registry: Registry, route: str) -> CallResult | None:
    """Call a target with its example, in a fork; None if there is none of this name."""
    target = registry.targets.get(route)
    return call_in_forks(registry, [target], CALL_TIMEOUT)[0] if target else None


def _is_regression(
    result: CallResult, route: str, call_old: Callable[[str], CallResult | None]
) -> bool:
    """Report whether the new version is to blame, not the example: the old version accepts it."""
    if result.status is CallStatus.FAILED:
        return True
    old = call_old(route)
    return old is not None and old.status is CallStatus.OK
