"""Each worker's share of the connections: new ones are left to the one that has the fewest."""

from __future__ import annotations

import math
import select
import time
from collections.abc import Iterable
from socket import socket

from .scoreboard import SLACK, SLACK_RATIO, scoreboard

ACCEPT_DELAY = 0.01  # seconds for a worker with fewer connections to accept first


class Share:
    """The share of worker number `age`, which runs `threads` requests at a time."""

    def __init__(self, age: int, threads: int) -> None:
        self._age, self._threads = age, threads
        self._backlog = select.poll()
        self._checked = self._found = 0.0
        self._limit, self._connections = 0.0, -1

    def watch(self, listeners: Iterable[socket]) -> None:
        """Notice connections that wait at these sockets and that no worker accepts."""
        for listener in listeners:
            self._backlog.register(listener, select.POLLIN)

    def limit(self, most: float, connections: int, waiting: int) -> float:
        """Return how many connections to have: `most`, or 0 while others are to accept.

        `connections` are open, of which `waiting` have no request. It is computed again when a
        connection opens or closes, and every ACCEPT_DELAY seconds.
        """
        now = time.monotonic()
        if connections != self._connections or now - self._found >= ACCEPT_DELAY:
            may_accept = self._may_accept(connections, connections - waiting)
            self._limit = most if may_accept else 0
            self._found, self._connections = now, connections
        return self._limit

    def give_up(self) -> None:
        """Leave all connections to others: this worker ends."""
        scoreboard.clear(self._age)

    def _may_accept(self, connections: int, running: int) -> bool:
        busy = running >= self._threads
        scoreboard.publish(self._age, math.inf if busy else connections)
        least = scoreboard.min_connections(self._age)
        share = 0 if busy and least < math.inf else least + max(SLACK, least * SLACK_RATIO)
        return connections < share or self._is_unclaimed()

    def _is_unclaimed(self) -> bool:
        """Report, every ACCEPT_DELAY seconds, whether a connection waits: the others may hang."""
        if time.monotonic() - self._checked < ACCEPT_DELAY:
            return False
        self._checked = time.monotonic()
        return bool(self._backlog.poll(0))
