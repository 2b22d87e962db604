"""Canary: the candidate's share grows in steps while its figures are good."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import BothRewards, Figures, Progress, Strategy

if TYPE_CHECKING:
    from ..plan import Plan


class Canary(Strategy):
    """Without steps the share is that of the plan."""

    def traffic(self, plan: Plan, progress: Progress, rewards: BothRewards) -> float:
        if steps := plan.steps.traffic:
            return steps[min(progress.step, len(steps) - 1)]
        return plan.candidate.traffic if plan.candidate else 0.0

    def next_step(self, plan: Plan, progress: Progress, figures: Figures) -> int:
        steps = plan.steps
        is_last = progress.step >= len(steps.traffic) - 1
        is_early = progress.seconds < steps.minutes * 60
        if is_last or is_early or figures.candidate.count < steps.requests:
            return progress.step
        return progress.step + 1


STRATEGY = Canary()
