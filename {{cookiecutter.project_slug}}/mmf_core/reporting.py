"""Reports of a function that runs as a task: its progress; and whether it was cancelled.

A process runs one task at a time, so that this is of the process, also in threads of the author's.
Outside a task nobody listens.
"""

from __future__ import annotations

from collections.abc import Callable

from .errors import quoted


class TaskReporter:
    """The receivers of reports; `tasks/`, if it is there, sets both functions."""

    def __init__(self) -> None:
        self.progress: Callable[[float, str], None] = lambda _fraction, _message: None
        self.is_cancelled: Callable[[], bool] = bool


reporter = TaskReporter()


def progress(fraction: float, message: str = "") -> None:
    """Say how much of a task is done, and what is being done; callers see both within a second.

    In a call that is not a task it does nothing.

    - `fraction`: 0 to 1; ValueError for any other number.
    - `message`: a text for people.

    >>> mmf.progress(0.3, "reading")
    """
    if not 0 <= fraction <= 1:  # NaN, too
        raise ValueError(f"progress: expected 0 to 1, got {quoted(fraction)}")
    reporter.progress(float(fraction), message)


def cancelled() -> bool:
    """Return whether the task was cancelled; its process ends some seconds later anyway.

    >>> mmf.cancelled()
    False
    """
    return reporter.is_cancelled()
