"""Rate limits by caller, over all workers, and over machines that share a Redis server."""

from __future__ import annotations

import logging
import math
import time
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from ..packages import OptionalDependency
from .callers import TokenCaller
from .errors import TooManyRequests
from .rates import Rate
from .shared_counters import shared_counters

TIMEOUT = 0.25
"""Seconds for which a request waits for Redis."""
PAUSE = 10.0
"""Seconds without Redis after it has failed; each machine counts by itself meanwhile."""
_log = logging.getLogger("mmf.audit")


class _Packages(OptionalDependency):
    requires = {"limits": "limits", "redis": "redis"}  # noqa: RUF012 - read only


PACKAGES = _Packages()


class Quota(NamedTuple):
    """The remaining requests of a caller, and the seconds until the next window."""

    rate: Rate
    remaining: int
    reset: int

    def headers(self) -> dict[str, str]:
        """Return the RateLimit headers (draft-ietf-httpapi-ratelimit-headers-06)."""
        return {
            "RateLimit-Limit": str(self.rate.requests),
            "RateLimit-Remaining": str(self.remaining),
            "RateLimit-Reset": str(self.reset),
            "RateLimit-Policy": f"{self.rate.requests};w={self.rate.seconds}",
        }


class Counters(Protocol):
    """Where requests are counted."""

    def hit(self, name: str, rate: Rate) -> tuple[int, float]:
        """Count a request; return how many there were in its window, and when the window ends."""


class RedisCounters:
    """Counts in Redis, for services on several machines."""

    def __init__(self, url: str) -> None:
        PACKAGES.require("MMF_RATE_LIMIT_REDIS")
        from limits.errors import StorageError  # an optional package
        from limits.storage import storage_from_string

        timeouts = {"socket_timeout": TIMEOUT, "socket_connect_timeout": TIMEOUT}
        storage = storage_from_string(url, wrap_exceptions=True, **timeouts)
        self._storage: Any = storage  # not one for asyncio, of the same type
        self._storage_error = StorageError
        self._host = urlsplit(url).hostname or "Redis"
        self._own = shared_counters()
        self._retry = 0.0

    def hit(self, name: str, rate: Rate) -> tuple[int, float]:
        """Count a request; by this machine alone while Redis does not respond."""
        if time.monotonic() >= self._retry:
            key = f"mmf/{rate.requests}/{rate.seconds}/{name}"
            try:
                count = self._storage.incr(key, rate.seconds)
                return count, self._storage.get_expiry(key)
            except self._storage_error as error:
                self._retry = time.monotonic() + PAUSE
                reason = type(error.storage_error).__name__
                _log.error("rates are counted by each machine, %s: %s", self._host, reason)
        return self._own.hit(name, rate)


class RateLimiter:
    """Counts the requests of each caller, by its own rate or by that of the setting."""

    def __init__(self, rate: Rate | None, redis: str = "") -> None:
        self._rate = rate
        self._counters: Counters = RedisCounters(redis) if redis else shared_counters()

    def count(self, caller: TokenCaller) -> Quota | None:
        """Count a request; return what is left, or None if there is no limit.

        TooManyRequests if nothing was left.
        """
        rate = caller.rate or self._rate
        if rate is None:
            return None
        count, end = self._counters.hit(caller.name, rate)
        reset = max(1, math.ceil(end - time.time()))
        quota = Quota(rate, max(0, rate.requests - count), reset)
        if count > rate.requests:
            error = TooManyRequests(
                f"more than {rate.requests} requests in {rate.seconds} seconds; "
                f"try again in {reset} seconds"
            )
            error.headers = quota.headers() | {"Retry-After": str(reset)}
            error.log_fields = caller.log_fields
            raise error
        return quota
