"""Silent: the candidate gets copies of requests, and its responses are compared and discarded."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .base import BothRewards, Progress, Strategy

if TYPE_CHECKING:
    from ..plan import Plan


class Silent(Strategy):
    """No caller sees the candidate, waits for it or gets its errors."""

    def problem(self, plan: Plan) -> str:
        candidate = plan.candidate
        if plan.steps.traffic or (candidate and candidate.traffic):
            return "a silent version serves no requests: remove traffic and [steps]"
        return ""

    def traffic(self, plan: Plan, progress: Progress, rewards: BothRewards) -> float:
        return 0.0


STRATEGY = Silent()
