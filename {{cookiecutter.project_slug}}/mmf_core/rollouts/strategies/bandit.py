"""Bandit: each version's share follows from its rewards, by Thompson sampling or epsilon-greedy."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ...capabilities import parts
from .base import BothRewards, Progress, Rewards, Strategy

if TYPE_CHECKING:
    from ..plan import Plan

ALL = 100.0
_CELLS = 400
_WIDTH = 8.0
"""Standard deviations on both sides of a mean; the rest is smaller than rounding errors."""


class Bandit(Strategy):
    """The version that is probably better gets more, and the other one enough to keep learning.

    A reward from 0 to 1 counts as that part of a success. Thompson sampling gives the candidate a
    request with the probability that it is the better version; that is a share of the requests
    from which each worker can draw by itself.
    """

    needs_rewards = True

    def problem(self, plan: Plan) -> str:
        candidate = plan.candidate
        if candidate and (candidate.traffic or candidate.sticky or plan.steps.traffic):
            return "a bandit decides who gets it: remove traffic, sticky and [steps]"
        return ""

    def missing(self) -> str:
        sources = parts("rewards")
        if not sources:
            return 'strategy = "bandit" needs the extra feedback; see mmfmeta extras'
        if not sources[0]():
            return 'strategy = "bandit" needs rewards: set MMF_FEEDBACK=1'
        return ""

    def traffic(self, plan: Plan, progress: Progress, rewards: BothRewards) -> float:
        stable, candidate = rewards.stable, rewards.candidate
        if epsilon := plan.bandit.epsilon:
            minimum = ALL * epsilon / 2
            ours, theirs = _expected(candidate), _expected(stable)
            share = ALL / 2 if ours == theirs else ALL * (ours > theirs)
        else:
            minimum = plan.bandit.least
            share = ALL * probability_of_more(candidate, stable)
        return round(min(ALL - minimum, max(minimum, share)), 3)


def probability_of_more(ours: Rewards, theirs: Rewards) -> float:
    """Return the probability that ours has the higher mean, with uniform priors.

    Each mean is distributed as Beta(1 + successes, 1 + failures); both are integrated on one grid.
    """
    shapes = [(1 + rewards.total, 1 + rewards.count - rewards.total) for rewards in (ours, theirs)]
    ends = [_ends(*shape) for shape in shapes]
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    first, second = (_weights(*shape, low, high) for shape in shapes)
    below = total = 0.0
    for own, other in zip(first, second, strict=True):
        total += own * (below + other / 2)
        below += other
    return total


def _expected(rewards: Rewards) -> float:
    """Return the mean of the same distribution: without a reward one half."""
    return (1 + rewards.total) / (2 + rewards.count)


def _ends(successes: float, failures: float) -> tuple[float, float]:
    count = successes + failures
    mean = successes / count
    spread = _WIDTH * math.sqrt(mean * (1 - mean) / (count + 1))
    return max(0.0, mean - spread), min(1.0, mean + spread)


def _weights(successes: float, failures: float, low: float, high: float) -> list[float]:
    """Return the probabilities of the cells of a grid, which add up to one."""
    step = (high - low) / _CELLS
    middles = [low + (cell + 0.5) * step for cell in range(_CELLS)]
    logs = [(successes - 1) * math.log(x) + (failures - 1) * math.log1p(-x) for x in middles]
    largest = max(logs)
    weights = [math.exp(log - largest) for log in logs]
    total = sum(weights)
    return [weight / total for weight in weights]


STRATEGY = Bandit()
