"""One worker's job, once a second: follow the plan, and check the candidate's figures.

It is the worker that holds a lock; when it ends, the kernel passes the lock to another. Its
decisions are in memory that all workers share, so that they apply from the next request on.
"""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from threading import Thread

from ..fingerprints import Fingerprint, fingerprint
from ..registry import default
from ..shared_memory import SharedText, shared_file
from . import gates, generations, state
from .candidate import candidate_that_failed
from .counters import CANDIDATE, STABLE
from .plan import ALL, Candidate, Plan, PlanError, check_needs, read
from .rewards import rewards_of
from .rollout import ABORTED, PROMOTED, RUNNING, Rollout
from .strategies import STRATEGIES, BothRewards, Figures, Progress

INTERVAL = 1.0  # seconds
KEPT_INTERVAL = 10.0  # seconds
BREACHES = 3
"""Consecutive failures of a gate until the candidate is rolled back."""
problem = SharedText()
"""Why the plan cannot be followed, shared by all workers."""
_lock = shared_file()
_log = logging.getLogger("mmf.rollout")


def watch(rollout: Rollout | None, file: Path, generation: int, *, may_reload: bool) -> None:
    """Follow the plan from now on, in a thread of this worker, if it holds the lock.

    `generation` is that of the worker. `may_reload`: a master exists, which can load another
    candidate when the plan has one.
    """
    controller = Controller(rollout, file, generation, may_reload=may_reload)
    Thread(target=_run, args=(controller,), name="mmf-rollout", daemon=True).start()


def _run(controller: Controller) -> None:
    while not _is_ours():
        time.sleep(INTERVAL)
    while True:
        try:
            controller.update()
        except Exception:  # noqa: BLE001 - the next update may succeed
            _log.exception("updating the rollout failed")
        time.sleep(INTERVAL)


def _is_ours() -> bool:
    """Take the lock, unless another worker has it; it is held until this worker has ended.

    Without waiting in the kernel, which would report a deadlock that does not exist.
    """
    try:
        fcntl.lockf(_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


class Controller:
    """Follows a plan; `rollout` is the loaded one, or None."""

    def __init__(
        self,
        rollout: Rollout | None,
        file: Path,
        generation: int = 0,
        *,
        may_reload: bool = False,
    ) -> None:
        self._rollout, self._file, self._may_reload = rollout, file, may_reload
        self._generation = generation
        self._seen: Fingerprint | None = None
        self._plan, self._plan_id = Plan(), ""
        self._key = self._requested = rollout.key if rollout else ""
        self._retried = ""
        self._progress: Progress | None = None
        self._updated = time.monotonic()
        self._breaches = 0
        self._url_gate = gates.UrlGate()

    def update(self) -> None:
        """Read the plan if it has changed, and act on it and on the figures."""
        self._read()
        candidate, rollout = self._plan.candidate, self._rollout
        if rollout is None or candidate is None or self._key != rollout.key:
            if rollout and rollout.status.read().get("status") != PROMOTED:
                rollout.counters.set_shares(0, 0, is_offered=False)
                self._report(rollout, ABORTED)
            self._progress = None
            if candidate and not candidate.promoted and self._may_reload:
                self._request_reload(candidate)
                return
        elif generations.has_older(self._generation):
            pass  # the candidate gets traffic when all workers have it
        elif candidate.promoted:
            rollout.counters.set_shares(ALL, 0, is_offered=True)
            self._report(rollout, PROMOTED)
        else:
            self._follow(rollout, candidate)
        if self._may_reload:
            self._retry_reload(candidate)

    def _read(self) -> None:
        now = fingerprint(self._file)
        if now == self._seen:
            return
        self._seen = now
        try:
            plan = read(self._file)
            check_needs(plan, f"{self._file.name}: ")
        except PlanError as error:  # the last valid one stays in force
            _log.error("%s; the plan before it stays in force", error)
            problem.write(problem=str(error))
            if self._rollout and not self._plan_id:  # another worker has read it
                self._plan = self._rollout.plan_in_force()
            return
        self._plan = plan
        self._plan_id = hashlib.sha256(repr(now).encode()).hexdigest()[:16]
        self._key = self._key_of(plan.candidate)
        problem.write()
        self._progress = None  # a command may have restarted it
        self._url_gate = gates.UrlGate()  # its URL may be another one

    def _key_of(self, candidate: Candidate | None) -> str:
        """Return the key of the candidate that the plan expects to be loaded.

        That is the loaded one if another worker has followed the same plan, or if it is now
        promoted: its files may have been changed or removed since.
        """
        if candidate is None:
            return ""
        if rollout := self._rollout:
            is_followed = rollout.status.read().get("plan") == self._plan_id
            is_promoted = candidate.promoted and candidate.name == rollout.candidate.name
            if is_followed or is_promoted:
                return rollout.key
        return state.key_of(candidate)

    def _request_reload(self, candidate: Candidate) -> None:
        """Have the master load the candidate, once."""
        if self._requested == self._key:
            return
        self._requested = self._key
        _log.info("loading the candidate %s", candidate.name)
        os.kill(os.getppid(), signal.SIGHUP)

    def _retry_reload(self, candidate: Candidate | None) -> None:
        """Repeat, once, a reload that failed because of a candidate that the plan has no longer.

        It rejected new files of the current version as well, which nothing else would load.
        """
        error = default.last_reload_error.read()
        failed = candidate_that_failed(error.get("failed", ""))
        in_progress = candidate.name if candidate and not candidate.promoted else ""
        if not failed or failed == in_progress or self._retried == error["at"]:
            return
        self._retried = error["at"]
        _log.info("reloading without the candidate %s", failed)
        os.kill(os.getppid(), signal.SIGHUP)

    def _follow(self, rollout: Rollout, candidate: Candidate) -> None:
        now = time.monotonic()
        seconds, self._updated = now - self._updated, now
        is_first = self._progress is None
        if self._progress is None:
            self._progress, seconds = self._initial_progress(rollout), 0.0
        before = self._progress
        progress = before if before.ended else self._advance(before, seconds, _since(rollout))
        if (progress.step, progress.ended) != (before.step, before.ended):
            rollout.counters.begin_step()
        if is_first or _is_worth_saving(before, progress):
            saved = state.State(progress, rollout.checksums)
            state.write(state.path_of(self._file), rollout.key, saved)
        self._progress = progress
        if progress.ended:
            rollout.counters.set_shares(0, 0, is_offered=False)
        else:
            traffic = self._traffic(rollout, candidate, progress)
            rollout.counters.set_shares(traffic, candidate.mirror, is_offered=True)
        self._report(rollout, progress.ended or RUNNING, progress)

    def _initial_progress(self, rollout: Rollout) -> Progress:
        """Return the progress: another worker's, that saved before a restart, or none."""
        if reported := self._reported(rollout):
            return reported
        rollout.counters.begin_step()
        self._breaches = 0
        return state.read(state.path_of(self._file), rollout.key).progress

    def _reported(self, rollout: Rollout) -> Progress | None:
        """Return another worker's progress with the same plan, even if it could not be saved.

        None if the plan has changed since: a command may have restarted it.
        """
        status = rollout.status.read()
        if "step" not in status or self._plan_id not in ("", status["plan"]):
            return None
        self._breaches = int(status["breaches"])
        ended = "" if status["status"] == RUNNING else status["status"]
        return Progress(int(status["step"]), float(status["seconds"]), ended)

    def _traffic(self, rollout: Rollout, candidate: Candidate, progress: Progress) -> float:
        rewards = rewards_of(candidate, rollout.key, rollout.versions)
        if rewards is None:  # the file is locked, for example: the next update may read it
            return rollout.counters.traffic
        return STRATEGIES[candidate.strategy].traffic(self._plan, progress, rewards)

    def _advance(self, progress: Progress, seconds: float, since: Figures) -> Progress:
        plan, candidate = self._plan, self._plan.candidate
        assert candidate is not None  # noqa: S101 - see update
        progress = replace(progress, seconds=progress.seconds + seconds)
        reason = gates.breach(plan.gates, since)
        self._breaches = self._breaches + 1 if reason else 0
        if self._breaches >= BREACHES:
            _log.error("%s is rolled back: %s", candidate.name, reason)
            return replace(progress, ended=reason)
        if reason:
            return progress
        strategy = STRATEGIES[candidate.strategy]
        step = strategy.next_step(plan, progress, since)
        if step == progress.step or not self._url_gate.is_open(plan.gates.url):
            return progress
        progress = Progress(step)
        _log.info(
            "%s: step %d, %g %% of the requests; before: %.0f calls, %.0f failed",
            candidate.name,
            step + 1,
            strategy.traffic(plan, progress, BothRewards()),
            since.candidate.count,
            since.candidate.failed,
        )
        return progress

    def _report(self, rollout: Rollout, status: str, progress: Progress | None = None) -> None:
        texts = {"status": status}
        if progress:
            texts |= {"step": str(progress.step), "seconds": f"{progress.seconds:.0f}"}
            texts["breaches"] = str(self._breaches)
            texts["plan"] = self._plan_id or rollout.status.read().get("plan", "")
        rollout.status.write(**texts)


def _since(rollout: Rollout) -> Figures:
    """Return the figures of both versions since the step began."""
    counters = rollout.counters
    return Figures(
        counters.calls(STABLE).since(counters.calls_before(STABLE)),
        counters.calls(CANDIDATE).since(counters.calls_before(CANDIDATE)),
        counters.copies().since(counters.copies_before()),
    )


def _is_worth_saving(before: Progress, progress: Progress) -> bool:
    """Report whether a restart needs this progress: a decision, or ten more seconds."""
    if (before.step, before.ended) != (progress.step, progress.ended):
        return True
    return before.seconds // KEPT_INTERVAL != progress.seconds // KEPT_INTERVAL
