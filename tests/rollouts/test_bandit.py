"""A bandit learns from rewards which version is better, and sends it the requests."""

import math
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cpu_time import at_most
from mmf_core.feedback import service
from mmf_core.feedback.store import ResponseRecord, encoded
from mmf_core.rollouts.commands import rollout
from mmf_core.rollouts.plan import Plan, PlanError, check_needs, of
from mmf_core.rollouts.rewards import rewards_of
from mmf_core.rollouts.strategies import STRATEGIES, BothRewards, Progress, Rewards
from mmf_core.rollouts.strategies.bandit import probability_of_more

BANDIT = STRATEGIES["bandit"]
A_SECOND = 50
"""Requests that are split by the same share."""
SECONDS = 400
SEEDS = range(4)


@pytest.fixture(autouse=True)
def _with_feedback(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("MMF_FEEDBACK", "1")
    monkeypatch.setenv("MMF_FEEDBACK_DIR", str(tmp_path / "feedback"))
    yield
    if feedback := service.current():
        feedback.store.close()


def plan(bandit: dict[str, Any] | None = None, **entries: Any) -> Plan:
    candidate = {"name": "v2", "strategy": "bandit", "artifacts": {"m": "n"}} | entries
    return of({"candidate": candidate} | ({} if bandit is None else {"bandit": bandit}))


def exact(ours: tuple[int, int], theirs: tuple[int, int]) -> float:
    """Return P(ours > theirs) of two Beta distributions with whole parameters, in closed form."""

    def beta(a: float, b: float) -> float:
        return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)

    (a, b), (c, d) = theirs, ours
    return sum(
        math.exp(beta(a + i, b + d) - math.log(d + i) - beta(1 + i, d) - beta(a, b))
        for i in range(c)
    )


@pytest.mark.parametrize("ours", [(0, 0), (1, 1), (30, 12), (500, 480), (9, 1000)])
@pytest.mark.parametrize("theirs", [(0, 0), (2, 2), (100, 47), (5_000, 5_000), (0, 40)])
def test_probability_of_the_better_version_is_accurate(
    ours: tuple[int, int], theirs: tuple[int, int]
) -> None:
    probability = probability_of_more(
        Rewards(ours[0] + ours[1], ours[0]), Rewards(theirs[0] + theirs[1], theirs[0])
    )
    expected = exact((ours[0] + 1, ours[1] + 1), (theirs[0] + 1, theirs[1] + 1))
    assert probability == pytest.approx(expected, abs=0.002)


def test_million_rewards_are_evaluated_as_fast_as_one() -> None:
    with at_most(seconds=1):
        for _ in range(50):
            probability = probability_of_more(Rewards(1e6, 500_000), Rewards(1e6, 503_000))
    assert probability < 1e-4


def regrets(plan: Plan, means: tuple[float, float], *, seed: int, delay: int = 0) -> list[float]:
    """Return the regret after each second: the additional reward of always using the best version.

    Rewards are between 0 and 1; a mean's own are spread around it. They come `delay` seconds late.
    """
    draw = random.Random(seed)
    sums = [[0.0, 0.0], [0.0, 0.0]]
    late: list[list[tuple[int, float]]] = []
    regret, course = 0.0, []
    for _ in range(SECONDS):
        both = BothRewards(*(Rewards(*each) for each in sums))
        share = BANDIT.traffic(plan, Progress(), both)
        rewarded = []
        for _ in range(A_SECOND):
            version = int(100 * draw.random() < share)
            mean = means[version]
            is_whole = draw.random() < 0.5
            reward = (
                float(draw.random() < mean)
                if is_whole
                else draw.betavariate(8 * mean, 8 * (1 - mean))
            )
            rewarded.append((version, reward))
            regret += max(means) - mean
        late.append(rewarded)
        if len(late) > delay:
            for version, reward in late.pop(0):
                sums[version][0] += 1
                sums[version][1] += reward
        course.append(regret)
    return course


CASES = [((0.5, 0.6), 0), ((0.6, 0.5), 0), ((0.2, 0.5), 0), ((0.5, 0.6), 20)]
SHORTENED = [CASES[0], *(pytest.param(*case, marks=pytest.mark.long) for case in CASES[1:])]


def course_of(bandit: dict[str, float], means: tuple[float, float], delay: int) -> list[float]:
    """Return the regret after half of the time and all of it, relative to an even split's."""
    courses = [regrets(plan(bandit), means, seed=seed, delay=delay) for seed in SEEDS]
    fair = abs(means[0] - means[1]) / 2 * A_SECOND * SECONDS * len(courses)
    return [sum(course[at - 1] for course in courses) / fair for at in (SECONDS // 2, SECONDS)]


@pytest.mark.parametrize(("means", "delay"), SHORTENED)
def test_regret_grows_ever_more_slowly(means: tuple[float, float], delay: int) -> None:
    """An even split's regret would be one half, and one: it grows linearly."""
    half, whole = course_of({"least": 0}, means, delay)
    assert whole < 0.08
    assert whole - half < 0.35 * half


@pytest.mark.parametrize(("means", "delay"), SHORTENED)
def test_minimum_share_has_a_known_cost(means: tuple[float, float], delay: int) -> None:
    half, whole = course_of({}, means, delay)
    assert whole < 0.1
    assert whole - half < 0.014, "of which 0.01 is one per cent of the half"


@pytest.mark.parametrize(("means", "delay"), SHORTENED)
def test_epsilon_greedy_costs_its_epsilon(means: tuple[float, float], delay: int) -> None:
    half, whole = course_of({"epsilon": 0.1}, means, delay)
    assert whole < 0.17
    assert whole - half < 0.06, "of which 0.05 is epsilon of the half"


def test_equal_versions_keep_enough_traffic_to_learn() -> None:
    for bandit, least in (({"least": 5}, 5.0), ({"epsilon": 0.2}, 10.0), ({}, 1.0)):
        far = BothRewards(Rewards(10_000, 9_000), Rewards(10_000, 1_000))
        assert BANDIT.traffic(plan(bandit), Progress(), far) == least
        far = BothRewards(Rewards(10_000, 1_000), Rewards(10_000, 9_000))
        assert BANDIT.traffic(plan(bandit), Progress(), far) == 100 - least
        assert BANDIT.traffic(plan(bandit), Progress(), BothRewards()) == 50


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"traffic": 5}, "a bandit decides who gets it: remove traffic"),
        ({"sticky": "X-User-Id"}, "remove traffic, sticky"),
        ({"bandit": {"least": 51}}, r"\[bandit\] least = 51: expected a number from 0 to 50"),
        ({"bandit": {"epsilon": 2}}, r"\[bandit\] epsilon = 2: expected a share"),
        ({"strategy": "canary", "bandit": {}}, r"\[bandit\] is for strategy"),
    ],
)
def test_invalid_bandit_plans_are_rejected(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(PlanError, match=reason):
        plan(document.pop("bandit", None), **document)


def test_bandit_needs_feedback(monkeypatch: pytest.MonkeyPatch) -> None:
    check_needs(plan())
    monkeypatch.setenv("MMF_FEEDBACK", "0")
    with pytest.raises(PlanError, match='"bandit" needs rewards: set MMF_FEEDBACK=1'):
        check_needs(plan())
    monkeypatch.setattr("mmf_core.rollouts.strategies.bandit.parts", lambda _name: [])
    with pytest.raises(PlanError, match='"bandit" needs the extra feedback; see mmfmeta extras'):
        check_needs(plan())


def reward(version: str, value: float, number: int) -> None:
    feedback = service.current()
    assert feedback is not None
    name = f"{version} {number}"
    feedback.store.add([ResponseRecord(name, "", "score", version, 0.0, 1, encoded(NOTHING))], 0)
    response = feedback.store.find(name)
    assert response is not None
    feedback.store.record(response, [(0, value)], [])


NOTHING = service.Predictions()


def test_rewards_count_from_the_start_of_a_rollout_across_restarts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    candidate = plan().candidate
    assert candidate is not None
    reward("v2", 1.0, 0)
    reward("stable", 0.0, 0)
    key, versions = "a key", ("stable", "v2")
    assert rewards_of(candidate, key, versions) == BothRewards()
    for number in range(1, 5):
        reward("v2", 0.75, number)
    reward("stable", 0.25, 1)
    expected = BothRewards(Rewards(1, 0.25), Rewards(4, 3.0))
    assert rewards_of(candidate, key, versions) == expected
    assert rewards_of(candidate, key) == expected, "without the names, as a command looks"
    feedback = service.current()
    assert feedback is not None
    feedback.store.close()
    service._Current.feedback = None
    assert rewards_of(candidate, key, versions) == expected
    monkeypatch.setenv("MMF_FEEDBACK", "0")
    assert rewards_of(candidate, key, versions) is None


def test_unreadable_feedback_file_is_reported() -> None:
    candidate = plan().candidate
    assert candidate is not None
    feedback = service.current()
    assert feedback is not None
    feedback.settings.file.parent.mkdir(parents=True)
    feedback.settings.file.write_bytes(b"no database" * 100)
    assert rewards_of(candidate, "a key", ("stable", "v2")) is None


def test_bandit_is_not_a_dark_launch() -> None:
    options = ["start", "v2", "m=n", "--dark", "--strategy", "bandit"]
    done = CliRunner().invoke(rollout, options)
    assert done.exit_code == 1
    assert "--dark and --strategy bandit exclude each other" in done.output


def test_promoted_version_needs_no_rewards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMF_FEEDBACK", "0")
    check_needs(plan(promoted=True))
