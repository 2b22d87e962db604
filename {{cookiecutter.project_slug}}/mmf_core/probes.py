"""Health checks that are served at once, even while every thread of a worker is busy."""

from __future__ import annotations

from functools import cache
from itertools import chain

from .capabilities import parts

_PROBES = ("/health/live", "/health/ready", "/health", "/ping")


@cache
def probes() -> tuple[str, ...]:
    """Return the paths of the core's health checks, and of the capabilities'."""
    return (*_PROBES, *chain.from_iterable(parts("probes")))
