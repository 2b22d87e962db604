"""The verdict: figures, the limits that they must keep, and what is said of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from .settings import Settings


@dataclass(frozen=True)
class Figures:
    """What callers saw; times in milliseconds."""

    requests: int = 0
    failures: int = 0
    rps: float = 0
    p50: float = 0
    p95: float = 0
    p99: float = 0

    @classmethod
    def of(cls, times: Mapping[int, int], requests: int, failures: int, seconds: float) -> Self:
        """Count them from a histogram: milliseconds → answers."""
        p50, p95, p99 = (percentile(times, share) for share in (0.50, 0.95, 0.99))
        return cls(requests, failures, requests / seconds if seconds else 0, p50, p95, p99)

    @property
    def fail_ratio(self) -> float:
        """The share of requests that got no answer, or a wrong one."""
        return self.failures / self.requests if self.requests else 0

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {self.rps:,.1f} requests/s, {self.failures:,} failed,"
            f" p50 {self.p50:g} ms, p95 {self.p95:g} ms, p99 {self.p99:g} ms"
        )


def percentile(times: Mapping[int, int], share: float) -> float:
    """Return the milliseconds within which this share of all answers came (nearest rank)."""
    rank = share * sum(times.values())
    counted = 0
    for time in sorted(times):
        counted += times[time]
        if counted >= rank:
            return time
    return 0


def problems(figures: Figures, limits: Settings) -> list[str]:
    """Say which limits are not kept, each with the variable that sets it."""
    if not figures.requests:
        return ["nothing was requested"]
    broken = {
        f"p95 {figures.p95:g} ms > LOAD_P95_MS={limits.p95_ms:g}": figures.p95 > limits.p95_ms,
        f"failed {figures.fail_ratio:.2%} > LOAD_FAIL_RATIO={limits.fail_ratio:g}": (
            figures.fail_ratio > limits.fail_ratio
        ),
        f"{figures.rps:.1f} requests/s < LOAD_MIN_RPS={limits.min_rps:g}": (
            figures.rps < limits.min_rps
        ),
    }
    return [text for text, is_broken in broken.items() if is_broken]


def verdict(figures: Figures, limits: Settings) -> tuple[bool, str]:
    """Return whether the load test passed, and the line that says so."""
    found = problems(figures, limits)
    said = f"load test FAILED: {'; '.join(found)}" if found else "load test passed"
    return not found, f"{said}: {figures}"
