"""The rollout of this process: loaded with the application, followed by its workers."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType

from ..capabilities import Gauge
from ..example_calls import Failure
from ..execution import Execution
from ..processes import is_in_gunicorn
from ..registry import Registry
from ..target import Target
from . import controller, generations, state
from .candidate import CandidateError, load, load_in_worker
from .compare import comparable
from .counters import CANDIDATE, STABLE
from .gates import QUANTILE
from .plan import Candidate, PlanError, check_needs, read
from .rollout import ABORTED, PROMOTED, RUNNING, Rollout, routed
from .settings import RolloutSettings

_log = logging.getLogger("mmf.rollout")


class _Current:
    """The last loaded rollout, the number of loads, the loading process, and whether it reloads."""

    rollout: Rollout | None = None
    generation = -1
    loaded_by = 0
    is_reloading = False


def current() -> Rollout | None:
    """Return the rollout of this process, if a candidate is loaded."""
    return _Current.rollout


def executions(
    module: str,
    registry: Registry,
    stable: dict[str, Execution],
    make: Callable[[Target], Execution],
) -> dict[str, Execution]:
    """Load the candidate of the plan; return executions that call either version.

    A candidate that fails makes a reload fail. A service that starts does so without it, and
    reports why in its readiness. A reload keeps the last valid plan.
    """
    before, _Current.rollout = _Current.rollout, None
    _Current.generation += 1
    _Current.loaded_by = os.getpid()
    registry.remarks.append(_remark)
    controller.problem.share()
    controller.problem.write()
    file = RolloutSettings.from_env().file
    try:
        plan = read(file)
        check_needs(plan, f"{file.name}: ")
    except PlanError as error:
        if before is None or not _Current.is_reloading:
            return _without(stable, str(error), str(error))
        controller.problem.write(problem=str(error))
        plan = before.plan_in_force()
    candidate = plan.candidate
    if candidate is None or candidate.promoted:
        return stable
    key = state.key_of(candidate)
    try:
        loaded = load(candidate, module, registry)
        checksums = _checksums(candidate, key)
    except CandidateError as error:
        state.write_failure(state.path_of(file), key, error.failure.public)
        if _Current.is_reloading:
            raise error.of_candidate(candidate.name) from error
        return _without(stable, str(error), error.failure.public)
    registry.others = {candidate.name: loaded}
    _Current.rollout = Rollout(plan, key, loaded, registry.version, before, checksums)
    return routed(_Current.rollout, stable, make)


def _checksums(candidate: Candidate, key: str) -> dict[str, str]:
    """Return the checksums of the loaded files; CandidateError if these have changed meanwhile."""
    checksums = state.checksums_of(candidate)
    if state.key_of(candidate) != key:
        raise CandidateError(Failure.plain("its files have changed while they were loaded"))
    return checksums


def _without(stable: dict[str, Execution], reason: str, public: str) -> dict[str, Execution]:
    """Report that the candidate is not served, in the log and in the readiness."""
    _log.error("the candidate is not served: %s", reason)
    controller.problem.write(problem=f"the candidate is not served: {public}")
    return stable


def start() -> None:
    """Load the candidate's artifacts that load after the fork; in a worker, follow the plan.

    A process that runs tasks does not: its parent is not the master, which could reload.
    """
    if rollout := current():
        load_in_worker(rollout.registry)
    may_reload = is_in_gunicorn() and os.getppid() == _Current.loaded_by
    if may_reload:
        generations.join(_Current.generation)
    if may_reload or (rollout and os.getpid() == _Current.loaded_by):
        file, generation = RolloutSettings.from_env().file, _Current.generation
        controller.watch(rollout, file, generation, may_reload=may_reload)


def mirror_process(_grace: float) -> Callable[[], None] | None:
    """Return a function that handles copies in a separate process."""
    rollout = current()
    return rollout.mirror.process(rollout.executions) if rollout else None


@contextmanager
def reimporting(_modules: Iterable[ModuleType]) -> Iterator[None]:
    """Restore the previous rollout if a new version of the project fails."""
    before, _Current.is_reloading = (_Current.rollout, _Current.generation), True
    try:
        yield
    except BaseException:
        _Current.rollout, _Current.generation = before
        raise
    finally:
        _Current.is_reloading = False


def gauges() -> Iterator[Gauge]:
    """Yield the figures of both versions."""
    if not (rollout := current()):
        return
    calls = {rollout.versions[version]: rollout.counters.calls(version) for version in (0, 1)}
    copies = rollout.counters.copies()
    traffic = rollout.counters.traffic
    shares = dict(zip(rollout.versions, (100 - traffic, traffic), strict=True))
    yield Gauge("mmf_rollout_traffic_percent", "Share of the requests.", "version", shares)
    yield Gauge(
        "mmf_rollout_calls",
        "Calls since the candidate was loaded.",
        "version",
        {version: counts.count for version, counts in calls.items()},
    )
    yield Gauge(
        "mmf_rollout_failed_calls",
        "Calls that failed since the candidate was loaded.",
        "version",
        {version: counts.failed for version, counts in calls.items()},
    )
    yield Gauge(
        "mmf_rollout_p95_seconds",
        "95th percentile of the calls since the candidate was loaded.",
        "version",
        {version: counts.quantile(QUANTILE) for version, counts in calls.items()},
    )
    yield Gauge(
        "mmf_rollout_copies",
        "Copies of requests to the candidate.",
        "outcome",
        {name: getattr(copies, name) for name in ("sent", "dropped", "compared", "different")},
    )


def _remark() -> str:
    """Return a warning for the operator of a service that is ready, or an empty text."""
    if text := controller.problem.read().get("problem", ""):
        return f"rollout: {text}"
    if not (rollout := current()):
        return ""
    status = rollout.status.read().get("status", "")
    is_expected = status in {"", RUNNING, PROMOTED, ABORTED}
    return "" if is_expected else f"rollout: {rollout.candidate.name} was rolled back: {status}"


def panel() -> dict[str, object]:
    """Return both versions and the targets that the page can compare, if requests may."""
    rollout = current()
    if rollout is None or not RolloutSettings.from_env().http:
        return {}
    targets = [*comparable(rollout.registry)]
    return {"versions": rollout.versions, "targets": targets} if targets else {}


def describe() -> dict[str, object]:
    """Return the state of the rollout, ready for JSON."""
    if not (rollout := current()):
        return {"candidate": None}
    counters, status = rollout.counters, rollout.status.read()
    versions = {}
    for number in (STABLE, CANDIDATE):
        calls = counters.calls(number)
        versions[rollout.versions[number]] = {
            "calls": int(calls.count),
            "failed": int(calls.failed),
            "p95_ms": round(1000 * calls.quantile(QUANTILE), 2),
        }
    copies = counters.copies()
    return {
        "candidate": rollout.candidate.name,
        "strategy": rollout.candidate.strategy,
        "status": status.get("status", RUNNING),
        "traffic": counters.traffic,
        "mirror": counters.mirror,
        "step": int(status.get("step", 0)) + 1,
        "versions": versions,
        "copies": {name: int(getattr(copies, name)) for name in copies.__slots__},
    }
