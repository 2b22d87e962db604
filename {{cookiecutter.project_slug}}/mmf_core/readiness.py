"""The state of the server, which readiness reports and the running server sets."""

from __future__ import annotations

from collections.abc import Callable


class ServerStatus:
    """What the server that runs the application knows; without such a server all is well.

    `not_ready_reason` returns why no requests should be sent, `workers` how many of them accept
    requests, such as "1 of 2"; both return an empty string if there is nothing to report.
    `must_end` returns whether responses that are still being sent have to end now.
    """

    def __init__(self) -> None:
        self.not_ready_reason: Callable[[], str] = str
        self.workers: Callable[[], str] = str
        self.must_end: Callable[[], bool] = bool


server_status = ServerStatus()
