"""A/B: the same callers get the same version, by a header; the shares stay as they are."""

from __future__ import annotations

from ..plan import Plan
from .base import Progress, Strategy


class AB(Strategy):
    """A test of two versions on two groups of callers."""

    def problem(self, plan: Plan) -> str:
        if plan.candidate and not plan.candidate.sticky:
            return 'strategy = "ab" needs sticky = "X-User-Id", or another header'
        return "[steps] are for a canary" if plan.steps.traffic else ""

    def traffic(self, plan: Plan, progress: Progress) -> float:
        return plan.candidate.traffic if plan.candidate else 0.0


STRATEGY = AB()
