"""The search for the knee: twice as many users in each step, until that brings nothing more."""

from dataclasses import dataclass, field

from .settings import Settings
from .verdict import Figures, problems

# Twice the users that bring less than this much more throughput only wait longer.
GROWTH = 1.1


@dataclass
class Ladder:
    """The steps that were done, each with its users and what they saw."""

    limits: Settings
    done: list[tuple[int, Figures]] = field(default_factory=list)
    knee: tuple[int, Figures] | None = None
    ended: str = ""

    def next(self, users: int, seen: Figures) -> int | None:
        """Note a step; return the next one's users, or None where the search is over.

        The least throughput is asked of the knee alone, not of a step with few users.
        """
        self.done.append((users, seen))
        broken = [one for one in problems(seen, self.limits) if "LOAD_MIN_RPS" not in one]
        if broken:
            self.end(broken[0])
        elif self.knee and seen.rps < GROWTH * self.knee[1].rps:
            self.end(f"{seen.rps:,.1f} requests/s are not a tenth more")
        else:
            self.knee = users, seen
            return 2 * users
        return None

    def end(self, why: str) -> None:
        """Note why there are no more steps, if that is not known yet."""
        self.ended = self.ended or why

    @property
    def figures(self) -> Figures:
        """What the verdict is about: the knee, or the first step where that was too much."""
        if self.knee:
            return self.knee[1]
        return self.done[0][1] if self.done else Figures()

    def __str__(self) -> str:
        lines = [f"{users:>6} users: {seen}" for users, seen in self.done]
        knee = f"knee: {self.knee[0]} users" if self.knee else "no knee"
        return "\n".join([*lines, f"{knee}; then: {self.ended}"])
