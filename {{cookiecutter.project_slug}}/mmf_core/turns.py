"""Turns: how a request lets those that arrived with it catch up.

The worker answers the requests that it finds waiting in one thread, each in a turn of its own,
one after the other. A turn that would rather go on together with the next ones, to share a call
with them, steps aside until they have come as far. Everywhere else there is nobody to wait for.
"""

from __future__ import annotations

from greenlet import getcurrent, greenlet


class Turn(greenlet):
    """One request's time in a thread; `switch` begins it, or goes on with it."""


def step_aside() -> None:
    """Let the other turns of this thread come as far as this one, where there are any."""
    turn = getcurrent()
    if isinstance(turn, Turn) and turn.parent is not None:
        turn.parent.switch()
