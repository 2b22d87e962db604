"""The errors of tasks, besides those of targets."""

from __future__ import annotations

from ..errors import Overloaded, RequestError


class TasksUnavailable(Overloaded):
    """The queue cannot be read or written at the moment; no accepted task is lost."""


class ConnectionClosed(TasksUnavailable):
    """A function has closed this process's connection to the queue, which it cannot open again."""


class QueueFull(Overloaded):
    """Too many tasks are waiting, or too many bytes of their requests."""


class UnknownTask(RequestError):
    """No task has this id."""

    status = 404


class TaskConflict(RequestError):
    """The task's state does not allow this, or its id is taken (RFC 9110, 15.5.10)."""

    status = 409


class ResultGone(RequestError):
    """The task's result was removed (RFC 9110, 15.5.11)."""

    status = 410
