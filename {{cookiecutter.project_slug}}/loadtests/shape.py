"""locust's side of the search for the knee."""

import time

from locust import LoadTestShape

from loadtests.settings import Settings
from loadtests.steps import Ladder
from loadtests.verdict import Figures


class Steps(LoadTestShape):
    """1, 2, 4, … users for LOAD_STEP_SECONDS each."""

    use_common_options = True  # those of pyproject.toml are for a load without a shape

    def __init__(self) -> None:
        self.settings = Settings.from_environment()
        self.reset_time()

    def reset_time(self) -> None:
        """Begin again, as locust asks at each start."""
        self.ladder = Ladder(self.settings)
        self.users, self.is_new = 1, True

    def tick(self) -> tuple[int, float] | None:
        """Return the users for now, or None when the knee is found; asked every second."""
        now = time.perf_counter()
        if self.is_new:  # its users have just come; from here on they count
            self._mark(now)
        elif now - self.since >= self.settings.step_seconds:
            users = self.ladder.next(self.users, self._seen(now))
            if users is None:
                return None
            self.users, self.is_new = users, True
        return self.users, self.users

    def _mark(self, now: float) -> None:
        """Remember what was counted up to here."""
        self.since = now
        self.times: dict[int, int] = {}
        self.counted = 0, 0
        if self.runner:
            self.is_new = not self.runner.user_count
            total = self.runner.stats.total
            self.times = dict(total.response_times)
            self.counted = total.num_requests, total.num_failures

    def _seen(self, now: float) -> Figures:
        """Count what has come since: the same on a master, whose workers tell it every 3 s."""
        if not self.runner:
            return Figures()
        total = self.runner.stats.total
        times = {ms: count - self.times.get(ms, 0) for ms, count in total.response_times.items()}
        requests = total.num_requests - self.counted[0]
        failures = total.num_failures - self.counted[1]
        return Figures.of(times, requests, failures, now - self.since)
