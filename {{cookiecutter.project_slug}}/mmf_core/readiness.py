"""The state of the server, which readiness reports and the running server sets."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import chain

from .capabilities import parts

_PROBES = ("/health/live", "/health/ready", "/health", "/ping")


@cache
def probes() -> tuple[str, ...]:
    """Return the paths that are served at once, even while every thread of a worker is busy."""
    return (*_PROBES, *chain.from_iterable(parts("probes")))


class ServerStatus:
    """What the server that runs the application knows; without such a server all is well.

    `not_ready_reason` returns why no requests should be sent, `workers` how many of them accept
    requests, such as "1 of 2"; both return an empty string if there is nothing to report.
    """

    def __init__(self) -> None:
        self.not_ready_reason: Callable[[], str] = str
        self.workers: Callable[[], str] = str


server_status = ServerStatus()
