"""What a strategy decides, once a second, from the figures of both versions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from ..counters import Calls, Copies

if TYPE_CHECKING:
    from ..plan import Plan


@dataclass(frozen=True, slots=True)
class Progress:
    """The progress of a rollout: its step, and the seconds since it began.

    `ended` is why the candidate was rolled back; empty while it is served.
    """

    step: int = 0
    seconds: float = 0.0
    ended: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """The counts of both versions since the step began."""

    stable: Calls
    candidate: Calls
    copies: Copies


@dataclass(frozen=True, slots=True)
class Rewards:
    """The rewards of one version, each from 0 to 1: how many, and their sum."""

    count: float = 0.0
    total: float = 0.0

    @property
    def mean(self) -> float:
        """The mean reward; 0 without any."""
        return self.total / self.count if self.count else 0.0


@dataclass(frozen=True, slots=True)
class BothRewards:
    """The rewards of both versions since the rollout began."""

    stable: Rewards = Rewards()
    candidate: Rewards = Rewards()


class Strategy(ABC):
    """Decides how the candidate's share of the requests changes."""

    needs_rewards: ClassVar[bool] = False
    """Whether `traffic` depends on rewards, which only feedback has."""

    def problem(self, plan: Plan) -> str:
        """Return why a plan cannot be followed; empty if it can."""
        return ""

    def missing(self) -> str:
        """Return what this service lacks for the strategy; empty if nothing."""
        return ""

    @abstractmethod
    def traffic(self, plan: Plan, progress: Progress, rewards: BothRewards) -> float:
        """Return the percentage of the requests that the candidate serves."""

    def next_step(self, plan: Plan, progress: Progress, figures: Figures) -> int:
        """Return the step that follows from the figures; the same one while nothing changes."""
        return progress.step
