"""How the service as a whole is: asked by readiness, told by the server that runs it."""

from __future__ import annotations

from collections.abc import Callable

PROBES = (
    "/health/live",
    "/health/ready",
    "/health",
    "/ping",
    "/v2/health/live",
    "/v2/health/ready",
)
"""Paths that are answered at once, even while every thread of a worker is taken."""


class ServerStatus:
    """What whoever runs the application knows of it; where nobody does, nothing is wrong.

    `refusal` tells why no requests should be sent, `workers` how many of them can take one, such
    as "1 of 2"; each is empty where there is nothing to tell.
    """

    def __init__(self) -> None:
        self.refusal: Callable[[], str] = str
        self.workers: Callable[[], str] = str


server_status = ServerStatus()
