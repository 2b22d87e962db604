"""A/B: the same callers get the same version; the shares do not change automatically."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import BothRewards, Progress, Strategy

if TYPE_CHECKING:
    from ..plan import Plan


class AB(Strategy):
    """A test of two versions on two groups of callers."""

    def problem(self, plan: Plan) -> str:
        if plan.candidate and not plan.candidate.sticky:
            return 'strategy = "ab" needs sticky = "X-User-Id", another header, a claim or a column'
        return "[steps] are for a canary" if plan.steps.traffic else ""

    def traffic(self, plan: Plan, progress: Progress, rewards: BothRewards) -> float:
        return plan.candidate.traffic if plan.candidate else 0.0


STRATEGY = AB()
