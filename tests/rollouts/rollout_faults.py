"""Operations on rollouts, and their failures, under a steady load.

Each request has its own number and user. Its response must be that of one of the two versions,
and name it; with a silent candidate it must be that of the current version.
"""

import json
import random
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rollout_services import Rollout, serving, write_model, write_plan
from scipy.stats import binom

from commands import wait_until
from steady_load import LoadRequest, Response, Tally, steady_load

USERS = 500
CHANCE = 1e-6
"""The probability below which a share counts as wrong."""
SETTLED = 2.0
"""Seconds after which a change must have reached all workers."""
WATCHED = 8.0
"""Seconds of a good canary's step."""
NEW = "new.json"
REJECTED = "reload rejected"


@dataclass(frozen=True)
class Sight:
    """What a caller has received, and when."""

    at: float
    user: str
    version: str
    status: int
    request: str  # its id


@dataclass(frozen=True)
class VersionRequest(LoadRequest):
    """Requests a number back; either version may respond, each with its own factor."""

    env: "RolloutEnv | None" = None

    def judge(self, response: Response) -> str:
        """Record which version has responded."""
        assert self.env
        version = response.headers.get("x-model-version", "")
        user, request = self.headers["X-User-Id"], response.headers.get("x-request-id", "")
        self.env.seen.append(Sight(time.monotonic(), user, version, response.status, request))
        if response.status != 200:
            return "right" if self.env.may_fail and version == "v2" else "lost"
        document, (number,) = json.loads(response.content), self.body.values()  # type: ignore[attr-defined]
        by = document["by"]
        is_candidate = version in self.env.candidates and not self.env.is_twin
        is_named = by == version if is_candidate else by in self.env.stable
        factor = number * self.env.factors.get(by, 1)
        is_right = is_named and document == {"x": number, "by": by, "factor": factor}
        return "right" if is_right and by in self.env.allowed else "wrong"


@dataclass
class RolloutEnv:
    """A project, the number of repetitions, and the outcome."""

    folder: Path
    rate: float
    times: int
    tally: Tally = field(default_factory=Tally)
    seen: list[Sight] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    decisions: list[float] = field(default_factory=list)  # seconds until each was made
    allowed: set[str] = field(default_factory=lambda: {"v1", "v2"})
    candidates: set[str] = field(default_factory=lambda: {"v2"})
    stable: set[str] = field(default_factory=lambda: {"v1"})  # what may have no name of its own
    factors: dict[str, float] = field(default_factory=dict)
    may_fail: bool = False  # callers may see the candidate's errors
    is_twin: bool = False  # the candidate's responses equal the current version's
    settings: dict[str, str] = field(default_factory=lambda: {"MMF_WARM_UP": "0"})

    def make_request(self, number: int) -> LoadRequest:
        """Send a number that no other request has."""
        x, headers = float(number % 9973), {"X-User-Id": f"user {number % USERS}"}
        return VersionRequest("/score", {"x": x}, None, headers, self)

    @contextmanager
    def load(self, stable: dict[str, Any] | None = None, **candidate: Any) -> Iterator[Rollout]:
        """Serve a project under load; `stable` and `candidate` define the versions' behaviour."""
        write_model(self.folder / "model.json", "v1", **(stable or {}))
        write_model(self.folder / NEW, "v1" if self.is_twin else "v2", **candidate)
        with (
            serving(self.folder, self.folder / "log", **self.settings) as rollout,
            steady_load(rollout.service.port, self.rate, 1.0, self.make_request) as load,
        ):
            self.tally = load.tally
            yield rollout

    def repeat(self) -> Iterator[int]:
        """Yield once per repetition."""
        for number in range(self.times):
            yield number
            time.sleep(random.uniform(0.2, 0.7))

    def begin(self, rollout: Rollout, **tables: Any) -> None:
        """Start a rollout by writing the file; wait until it is loaded."""
        write_plan(rollout.folder, **tables)
        rollout.until(candidate="v2", status="running")

    def end(self, rollout: Rollout) -> tuple[float, float]:
        """Abort; return the times at which the command began and ended."""
        began, ended = time.monotonic(), _command(rollout, "abort")
        rollout.until(traffic=0, mirror=0)
        return began, ended

    def between(self, start: float, end: float) -> list[Sight]:
        """Return what callers have received in this time."""
        return [sight for sight in self.seen if start < sight.at < end]

    def check_share(self, percent: float, start: float, end: float) -> None:
        """Compare the candidate's share of the responses with exact binomial limits."""
        responses = self.between(start, end)
        hits, share = sum(sight.version == "v2" for sight in responses), percent / 100
        minimum, maximum = binom.interval(1 - CHANCE, len(responses), share)
        if not minimum <= hits <= maximum:
            self.problems.append(f"{hits} of {len(responses)} responses, expected {percent:g} %")

    def faults(self) -> list[str]:
        """List the errors."""
        return [*self.tally.wrong, *self.tally.lost, *self.problems]

    def errors_seen(self) -> int:
        """Return how many callers have received an error of the candidate."""
        return sum(sight.status != 200 for sight in self.seen)


@dataclass(frozen=True)
class RolloutFault:
    """An operation, or a failure."""

    title: str
    happen: Callable[[RolloutEnv], None]


ROLLOUT_FAULTS: list[RolloutFault] = []


def rollout_fault(title: str) -> Callable[[Callable[[RolloutEnv], None]], None]:
    """Register a function that repeats an operation."""

    def register(happen: Callable[[RolloutEnv], None]) -> None:
        ROLLOUT_FAULTS.append(RolloutFault(title, happen))

    return register


def _command(rollout: Rollout, *arguments: str) -> float:
    """Run a command; return the time at which it ended: on a busy machine it takes seconds."""
    done = rollout.command(*arguments)
    assert done.returncode == 0, done.stderr
    return time.monotonic()


@rollout_fault("`start` with 30 % of the requests, `set` to 60 %, `abort`")
def shares(env: RolloutEnv) -> None:
    """Each share is within its binomial limits, from two seconds after the command."""
    with env.load() as rollout:
        for _ in env.repeat():
            _command(rollout, "start", "v2", f"model.json={NEW}", "--traffic", "30")
            rollout.until(candidate="v2", traffic=30)
            for percent in (30, 60):
                changed_at = _command(rollout, "set", "--traffic", str(percent))
                time.sleep(SETTLED + 1)
                env.check_share(percent, changed_at + SETTLED, time.monotonic())
            _, ended = env.end(rollout)
            time.sleep(max(0, ended + SETTLED + 0.5 - time.monotonic()))
            env.check_share(0, ended + SETTLED, time.monotonic())


@rollout_fault("`start` with steps of 10, 50 and 100 %, which advance automatically, `abort`")
def steps(env: RolloutEnv) -> None:
    """All steps are reached, as nothing is wrong."""
    with env.load() as rollout:
        for _ in env.repeat():
            started = time.monotonic()
            tables = {"traffic": [10, 50, 100], "minutes": 0.02, "requests": 10}
            env.begin(rollout, steps=tables)
            rollout.until(traffic=100)
            env.decisions.append(time.monotonic() - started)
            env.end(rollout)


@rollout_fault("`start`, `promote`")
def promotions(env: RolloutEnv) -> None:
    """Each version becomes the current one, from which the next rollout starts."""
    with env.load() as rollout:
        for number in env.repeat():
            name = f"v{number + 2}"
            write_model(rollout.folder / NEW, name)
            for names in (env.candidates, env.allowed, env.stable):
                names.add(name)  # once promoted, and loaded as any other file
            _command(rollout, "start", name, f"model.json={NEW}", "--traffic", "50")
            rollout.until(candidate=name, traffic=50)
            _command(rollout, "promote")
            rollout.until(traffic=100, status="promoted")
            requested_at = time.monotonic()
            time.sleep(0.5)
            others = {sight.version for sight in env.between(requested_at, time.monotonic())} - {
                name
            }
            env.problems += [f"{other} responds after {name} was promoted" for other in others]


@rollout_fault("A/B by a header, from 30 to 60 % of the callers")
def sticky(env: RolloutEnv) -> None:
    """No caller goes back to the current version while the candidate is served."""
    with env.load() as rollout:
        for _ in env.repeat():
            started = time.monotonic()
            options = ["--traffic", "30", "--sticky", "X-User-Id", "--strategy", "ab"]
            _command(rollout, "start", "v2", f"model.json={NEW}", *options)
            rollout.until(candidate="v2", traffic=30)
            time.sleep(2 * USERS / env.rate)
            _command(rollout, "set", "--traffic", "60")
            time.sleep(USERS / env.rate + SETTLED)
            ended, _ = env.end(rollout)
            versions: dict[str, list[str]] = defaultdict(list)
            for sight in env.between(started, ended):
                versions[sight.user].append(sight.version)
            for user, got in versions.items():
                if "v2" in got and {*got[got.index("v2") :]} != {"v2"}:
                    env.problems.append(f"{user} has gone back: {got}")


@rollout_fault("a candidate whose process ends while it is loaded")
def ends_in_load(env: RolloutEnv) -> None:
    """Check that it is rejected, and that readiness reports it."""
    env.allowed = {"v1"}
    (env.folder / "other.py").write_text("import os\nos._exit(4)\n")
    log = env.folder / "log"
    with env.load() as rollout:
        for number in env.repeat():
            candidate = {"name": f"broken-{number}", "main": "other.py"}
            write_plan(rollout.folder, candidate=candidate)
            wait_until(lambda number=number: log.read_text().count(REJECTED) > number)
            assert "the process that tried it ended" in str(rollout.readiness())
            (rollout.folder / "rollout.toml").unlink()


def silent(title: str, **instructions: float) -> None:
    """Register a silent candidate that misbehaves on every copy."""

    def happen(env: RolloutEnv) -> None:
        env.allowed = {"v1"}
        with env.load(**instructions) as rollout:
            for _ in env.repeat():
                env.begin(rollout, candidate={"strategy": "silent", "mirror": 100})
                wait_until(lambda: rollout.state()["copies"]["compared"] > 0)
                time.sleep(1)
                env.end(rollout)

    happen.__name__ = f"silent_{'_'.join(instructions)}"
    rollout_fault(title)(happen)


silent("a silent candidate that raises an exception at each copy", fails=1.0)
silent("a silent candidate that ends its process at each copy", ends=1.0)
silent("a silent candidate that allocates a tebibyte of memory at each copy", grows=1.0)
silent("a silent candidate that is killed at each copy, as for memory", is_killed=1.0)
silent("a silent candidate that waits for itself (a deadlock)", hangs=1.0)

QUICK = {"requests": 50}


def canary(
    title: str,
    name: str,
    *,
    is_bad: bool,
    stable: dict[str, Any] | None = None,
    gates: dict[str, Any] | None = None,
    mirror: float = 0,
    **instructions: Any,
) -> None:
    """Register a canary that should be rolled back automatically, or is not."""

    def happen(env: RolloutEnv) -> None:
        env.may_fail, env.is_twin = is_bad, not is_bad
        env.factors = {"v2": instructions.get("factor", 1)}
        with env.load(stable, **instructions) as rollout:
            for _ in env.repeat():
                share = {"traffic": 50, "mirror": mirror}
                env.begin(rollout, candidate=share, gates=QUICK | (gates or {}))
                started = time.monotonic()
                while rollout.state()["status"] == "running":
                    if time.monotonic() > started + (LONGEST if is_bad else WATCHED):
                        break
                    time.sleep(0.1)
                rolled_back = rollout.state()["status"] not in {"running", "promoted"}
                if rolled_back:
                    env.decisions.append(time.monotonic() - started)
                if rolled_back != is_bad:
                    env.problems.append(f"was rolled back: {rolled_back}")
                env.end(rollout)

    happen.__name__ = name
    rollout_fault(title)(happen)


LONGEST = 30.0
"""Seconds within which a bad canary must have been rolled back."""

canary("a canary, 5 % of whose calls fail", "canary_fails", is_bad=True, fails=0.05)
canary(
    "a canary that takes three times as long",
    "canary_slow",
    is_bad=True,
    stable={"seconds": 0.01},
    seconds=0.03,
)
canary(
    "a canary whose responses differ",
    "canary_differs",
    is_bad=True,
    gates={"different": 0.1},
    mirror=50,
    factor=2,
)
canary("a good canary", "canary_good", is_bad=False, gates={"different": 0.1}, mirror=10)
