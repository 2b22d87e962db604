"""The search for the knee as a locust load shape."""

import time

from locust import LoadTestShape

from loadtests.settings import Settings
from loadtests.steps import KneeSearch
from loadtests.verdict import Figures


class Steps(LoadTestShape):
    """1, 2, 4, … users for LOAD_STEP_SECONDS each."""

    use_common_options = True  # those of pyproject.toml are for a load without a shape

    def __init__(self) -> None:
        self.settings = Settings.from_environment()
        self.reset_time()

    def reset_time(self) -> None:
        """Begin a new search; locust calls it at each start."""
        self.search = KneeSearch(self.settings)
        self.users, self.is_new = 1, True

    def tick(self) -> tuple[int, float] | None:
        """Return the current users, or None at the end; locust calls it every second."""
        now = time.perf_counter()
        if self.is_new:  # the users have just been started; counting begins here
            self._mark(now)
        elif now - self.since >= self.settings.step_seconds:
            users = self.search.next(self.users, self._figures(now))
            if users is None:
                return None
            self.users, self.is_new = users, True
        return self.users, self.users

    def _mark(self, now: float) -> None:
        """Remember the counts up to here."""
        self.since = now
        self.times: dict[int, int] = {}
        self.counts = 0, 0
        if self.runner:
            self.is_new = not self.runner.user_count
            total = self.runner.stats.total
            self.times = dict(total.response_times)
            self.counts = total.num_requests, total.num_failures

    def _figures(self, now: float) -> Figures:
        """Return the figures since the mark; a master's workers report to it every 3 s."""
        if not self.runner:
            return Figures()
        total = self.runner.stats.total
        times = {ms: count - self.times.get(ms, 0) for ms, count in total.response_times.items()}
        requests = total.num_requests - self.counts[0]
        failures = total.num_failures - self.counts[1]
        return Figures.of(times, requests, failures, now - self.since)
