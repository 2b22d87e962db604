"""A rollout: two versions in one process, and which of them answers a request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import blake2b
from random import random
from time import perf_counter
from typing import Any

from ..errors import ClientGone, MMFError, Overloaded, RejectedInput
from ..execution import Execution, Timings
from ..registry import Registry
from ..shared_memory import SharedText
from ..target import Target
from ..web.request_context import current_context
from .counters import STABLE, Counters
from .mirror import Mirror
from .plan import ALL, Candidate

VERSION_HEADER = "X-Model-Version"
PROMOTED = "promoted"
"""The status of a candidate that answers every request from now on."""
UNNAMED = "stable"
"""What the version in use is called if its artifacts have no version."""
_ENVIRON_KEY = "HTTP_X_MODEL_VERSION"
_SERVER_ERROR = 500


class Rollout:
    """A candidate beside the version in use, from its load to the next reload.

    `status` is shared by all workers: how far it has come, and what the last decision was.
    """

    def __init__(self, candidate: Candidate, registry: Registry, stable_version: str) -> None:
        self.candidate = candidate
        self.registry = registry
        self.versions = (stable_version or UNNAMED, candidate.name)
        self.counters = Counters()
        self.mirror = Mirror(self.counters)
        self.executions: dict[str, Execution] = {}
        self.status = SharedText()
        self.status.share()
        self._sticky = f"HTTP_{candidate.sticky.upper().replace('-', '_')}"

    def chooses_candidate(self, environ: Mapping[str, Any]) -> bool:
        """Choose by the caller's X-Model-Version, else by its sticky header, else by chance."""
        counters = self.counters
        traffic = counters.traffic
        if requested := environ.get(_ENVIRON_KEY):
            if requested == self.candidate.name and counters.is_offered:
                return True
            if requested == self.versions[STABLE] and traffic < ALL:
                return False
        if not traffic:
            return False
        if self.candidate.sticky and (value := environ.get(self._sticky)):
            return position(self.candidate.name, value) < traffic
        return ALL * random() < traffic  # noqa: S311 - a share, not a secret


def position(name: str, value: str) -> float:
    """Return the place of a caller from 0 to 100: the same in every worker, and after a restart."""
    digest = blake2b(f"{name}\0{value}".encode(errors="surrogateescape"), digest_size=8).digest()
    return ALL * int.from_bytes(digest) / 2**64


class RoutedExecution(Execution):
    """One target in both versions; each call is one of them, and batches never join them."""

    def __init__(self, rollout: Rollout, stable: Execution, candidate: Execution) -> None:
        self.target = stable.target
        self.with_rows = stable.with_rows
        self.versions = rollout.versions
        self._rollout = rollout
        self._both = stable, candidate

    def run(self, values: Mapping[str, Any], timings: Timings | None = None) -> Any:
        """Call one version, and send a copy to the candidate if this is one of those mirrored."""
        rollout, context = self._rollout, current_context()
        counters = rollout.counters
        version = int(rollout.chooses_candidate(context.environ if context else {}))
        if context:
            context.model_version = rollout.versions[version]
        mirror = counters.mirror if version == STABLE and not self.target.is_stream else 0
        copy = rollout.mirror.pickled(values) if mirror and ALL * random() < mirror else None  # noqa: S311
        started = perf_counter()
        try:
            result = self._both[version].run(values, timings)
        except (Overloaded, ClientGone):  # it was not called
            raise
        except MMFError as error:
            counters.add_call(version, perf_counter() - started, failed=_is_own_fault(error))
            raise
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
    """Return the executions of both versions; a target that trains has one only."""
    for route, target in rollout.registry.targets.items():
        rollout.executions[route] = make(target)
    return {
        route: stable
        if stable.target.trains
        else RoutedExecution(rollout, stable, rollout.executions[route])
        for route, stable in executions.items()
    }
