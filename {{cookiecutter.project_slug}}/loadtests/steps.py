"""The search for the knee: twice the users in each step, until throughput stops improving."""

from dataclasses import dataclass, field

from .settings import Settings
from .verdict import Figures, problems

# With twice the users and less than this much more throughput, they only wait longer.
GROWTH = 1.1


@dataclass
class KneeSearch:
    """The completed steps, each with its number of users and its figures."""

    limits: Settings
    steps: list[tuple[int, Figures]] = field(default_factory=list)
    knee: tuple[int, Figures] | None = None
    stop_reason: str = ""

    def next(self, users: int, figures: Figures) -> int | None:
        """Record a step; return the users of the next one, or None at the end of the search.

        The minimum throughput applies to the knee only, not to a step with few users.
        """
        self.steps.append((users, figures))
        exceeded = [text for text in problems(figures, self.limits) if "LOAD_MIN_RPS" not in text]
        if exceeded:
            self.stop(exceeded[0])
        elif self.knee and figures.rps < GROWTH * self.knee[1].rps:
            self.stop(f"{figures.rps:,.1f} requests/s are less than a tenth more")
        else:
            self.knee = users, figures
            return 2 * users
        return None

    def stop(self, reason: str) -> None:
        """Record why there are no more steps, unless there is a reason already."""
        self.stop_reason = self.stop_reason or reason

    @property
    def figures(self) -> Figures:
        """The figures for the verdict: of the knee, or of the first step if that was too much."""
        if self.knee:
            return self.knee[1]
        return self.steps[0][1] if self.steps else Figures()

    def __str__(self) -> str:
        lines = [f"{users:>6} users: {figures}" for users, figures in self.steps]
        knee = f"knee: {self.knee[0]} users" if self.knee else "no knee"
        return "\n".join([*lines, f"{knee}; stopped: {self.stop_reason}"])
