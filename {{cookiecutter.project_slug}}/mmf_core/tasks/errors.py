"""What goes wrong with tasks, beside what goes wrong with targets."""

from __future__ import annotations

from ..errors import Overloaded, RequestError


class TasksUnavailable(Overloaded):
    """The queue cannot be read or written just now; no accepted task is lost by that."""


class QueueFull(Overloaded):
    """As many tasks wait as may, or as many bytes of their requests."""


class UnknownTask(RequestError):
    """No task has this id."""

    status = 404


class TaskConflict(RequestError):
    """The task is in no state for that, or its id is that of another (RFC 9110, 15.5.10)."""

    status = 409


class ResultGone(RequestError):
    """The task's result was removed (RFC 9110, 15.5.11)."""

    status = 410
