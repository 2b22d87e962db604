"""The verdict: figures, their limits, and the line that reports them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from .settings import Settings


@dataclass(frozen=True)
class Figures:
    """Counts, rates and times of the requests; times in milliseconds."""

    requests: int = 0
    failures: int = 0
    rps: float = 0
    p50: float = 0
    p95: float = 0
    p99: float = 0

    @classmethod
    def of(cls, times: Mapping[int, int], requests: int, failures: int, seconds: float) -> Self:
        """Return the figures of a histogram, milliseconds → responses."""
        p50, p95, p99 = (percentile(times, share) for share in (0.50, 0.95, 0.99))
        return cls(requests, failures, requests / seconds if seconds else 0, p50, p95, p99)

    @property
    def fail_ratio(self) -> float:
        """The share of requests with no response, or a wrong one."""
        return self.failures / self.requests if self.requests else 0

    def __str__(self) -> str:
        return (
            f"{self.requests:,} requests, {self.rps:,.1f} requests/s, {self.failures:,} failed,"
            f" p50 {self.p50:g} ms, p95 {self.p95:g} ms, p99 {self.p99:g} ms"
        )


def percentile(times: Mapping[int, int], share: float) -> float:
    """Return the milliseconds within which this share of responses arrived (nearest rank)."""
    rank = share * sum(times.values())
    count = 0
    for time in sorted(times):
        count += times[time]
        if count >= rank:
            return time
    return 0


def problems(figures: Figures, limits: Settings) -> list[str]:
    """Return the limits that are exceeded, each with the variable that sets it."""
    if not figures.requests:
        return ["nothing was requested"]
    limits_exceeded = {
        f"p95 {figures.p95:g} ms > LOAD_P95_MS={limits.p95_ms:g}": figures.p95 > limits.p95_ms,
        f"failed {figures.fail_ratio:.2%} > LOAD_FAIL_RATIO={limits.fail_ratio:g}": (
            figures.fail_ratio > limits.fail_ratio
        ),
        f"{figures.rps:.1f} requests/s < LOAD_MIN_RPS={limits.min_rps:g}": (
            figures.rps < limits.min_rps
        ),
    }
    return [text for text, is_exceeded in limits_exceeded.items() if is_exceeded]


def verdict(figures: Figures, limits: Settings) -> tuple[bool, str]:
    """Return whether the load test passed, and the line that says so."""
    exceeded = problems(figures, limits)
    text = f"load test FAILED: {'; '.join(exceeded)}" if exceeded else "load test passed"
    return not exceeded, f"{text}: {figures}"
