"""A rollout: two versions in one process, and which of them serves a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from random import random
from time import perf_counter
from types import MappingProxyType
from typing import Any

from ..errors import ClientGone, MMFError, Overloaded, RejectedInput
from ..execution import Execution, Timings
from ..registry import Registry
from ..shared_memory import SharedText
from ..target import Target
from ..web.request_context import RequestContext, current_context
from .counters import CANDIDATE, STABLE, Counters
from .mirror import Mirror
from .plan import ALL, Candidate, Plan
from .sticky import sticky_key

VERSION_HEADER = "X-Model-Version"
RUNNING, PROMOTED, ABORTED = "running", "promoted", "aborted"
"""The status of a candidate: being served, serving every request from now on, aborted by a person.

Any other is the reason for an automatic rollback.
"""
UNNAMED = "stable"
"""The name of the current version if its artifacts have no version."""
_ENVIRON_KEY = "HTTP_X_MODEL_VERSION"
_SERVER_ERROR = 500


class Rollout:
    """A candidate beside the current version, from its load to the next reload.

    `plan` is the plan at its load, `key` identifies the loaded files, and `checksums` are their
    sha256. `status` is shared by all workers: the progress, and the last decision. Both versions'
    executions are those that neither route nor report calls.

    `before` is the rollout that a reload ends. Its workers serve until they have ended: as long as
    the candidate is the same, both have the same shares, so that no caller goes back and forth.
    """

    def __init__(
        self,
        plan: Plan,
        key: str,
        registry: Registry,
        stable_version: str,
        before: Rollout | None = None,
        checksums: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        assert plan.candidate is not None  # noqa: S101 - the caller has loaded it
        self.plan, self.key = plan, key
        self.candidate: Candidate = plan.candidate
        self.registry = registry
        self.checksums = dict(checksums)
        self.versions = (stable_version or UNNAMED, self.candidate.name)
        self.counters, self.status = Counters(), SharedText()
        if before and before.key == key and before.versions == self.versions:
            self.counters, self.status = before.counters, before.status
        else:
            self.status.share()
            if before and before.key == key:
                shares = before.counters
                self.counters.set_shares(
                    shares.traffic, shares.mirror, is_offered=shares.is_offered
                )
        self.mirror = Mirror(self.counters)
        self.stable: dict[str, Execution] = {}
        self.executions: dict[str, Execution] = {}
        sticky = self.candidate.sticky
        self._sticky_key = sticky_key(sticky) if sticky else None

    def plan_in_force(self) -> Plan:
        """Return the plan with the current shares of all workers; its file may be invalid."""
        counters = self.counters
        if self.status.read().get("status") == PROMOTED:
            return self.plan.with_candidate(promoted=True)
        if not counters.is_offered:
            return self.plan
        return self.plan.with_candidate(traffic=counters.traffic, mirror=counters.mirror)

    def chooses_candidate(self, context: RequestContext | None, values: Mapping[str, Any]) -> bool:
        """Choose by the caller's X-Model-Version, else by the sticky value, else by chance."""
        counters = self.counters
        traffic = counters.traffic
        if context and (requested := context.environ.get(_ENVIRON_KEY)):
            if requested == self.candidate.name and counters.is_offered:
                return True
            if requested == self.versions[STABLE] and traffic < ALL:
                return False
        if not traffic:
            return False
        if self._sticky_key and (value := self._sticky_key(context, values)):
            return position(self.candidate.name, value) < traffic
        return ALL * random() < traffic  # noqa: S311 - a share, not a secret


def position(name: str, value: str) -> float:
    """Map a caller to a number from 0 to 100: the same in every worker, and after a restart."""
    digest = blake2b(f"{name}\0{value}".encode(errors="surrogateescape"), digest_size=8).digest()
    return ALL * int.from_bytes(digest) / 2**64


class RoutedExecution(Execution):
    """One target in both versions; each call goes to one of them, and batches never mix them."""

    def __init__(self, rollout: Rollout, stable: Execution, candidate: Execution) -> None:
        self.target = stable.target
        self.with_rows = stable.with_rows
        self.versions = rollout.versions
        self._rollout = rollout
        self._both = stable, candidate

    def run(self, values: Mapping[str, Any], timings: Timings | None = None) -> Any:
        """Call one version, and send a copy to the candidate if this request is mirrored."""
        rollout, context = self._rollout, current_context()
        counters = rollout.counters
        version = int(rollout.chooses_candidate(context, values))
        if context:
            context.model_version = rollout.versions[version]
        mirror = counters.mirror if version == STABLE and not self.target.is_stream else 0
        copy = rollout.mirror.pickled(values) if mirror and ALL * random() < mirror else None  # noqa: S311
        started = perf_counter()
        if version == CANDIDATE:
            counters.begin_call()
        try:
            result = self._both[version].run(values, timings)
        except (Overloaded, ClientGone):  # it was not called
            raise
        except MMFError as error:
            counters.add_call(version, perf_counter() - started, failed=_is_own_fault(error))
            raise
        finally:
            if version == CANDIDATE:
                counters.end_call()
        counters.add_call(version, perf_counter() - started, failed=False)
        if copy is not None:
            rollout.mirror.send(self.target.route, copy, result)
        return result


def _is_own_fault(error: MMFError) -> bool:
    """Report whether the version is to blame: it crashes, is too slow, or rejects its input."""
    return error.status >= _SERVER_ERROR or isinstance(error, RejectedInput)


def routed(
    rollout: Rollout,
    executions: Mapping[str, Execution],
    make: Callable[[Target], Execution],
) -> dict[str, Execution]:
    """Return the executions of both versions; a target that trains has only one."""
    rollout.stable = dict(executions)
    for route, target in rollout.registry.targets.items():
        rollout.executions[route] = make(target)
    return {
        route: stable
        if stable.target.trains
        else RoutedExecution(rollout, stable, rollout.executions[route])
        for route, stable in executions.items()
    }
