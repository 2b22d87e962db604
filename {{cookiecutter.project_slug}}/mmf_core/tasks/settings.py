"""The settings of tasks."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import MIB, SettingsGroup, duration, mebibytes, one_of, setting

_LONGEST_KEPT = 24 * 365
_MOST_WORKERS = 256


def _workers(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and float(text) <= _MOST_WORKERS):
        raise ValueError(f"expected a whole number, 0 to {_MOST_WORKERS}")
    return int(text)


def _hours(text: str) -> float:
    """Read hours; return seconds."""
    hours = float(text)
    if not 0 < hours <= _LONGEST_KEPT:
        raise ValueError(f"expected hours, more than 0 and at most {_LONGEST_KEPT}")
    return hours * 3600


@dataclass(frozen=True)
class TaskSettings(SettingsGroup):
    """Where tasks are kept, for how long, and how many run at a time.

    `keep` is in seconds, `max_kept` in bytes. `timeout` 0: tasks have no deadline unless the target
    has one.
    """

    folder: str = setting("MMF_TASKS_DIR", ".tasks", str)
    workers: int = setting("MMF_TASK_WORKERS", 1, _workers)
    timeout: float = setting("MMF_TASK_TIMEOUT", 0.0, duration)
    sync: str = setting("MMF_TASK_SYNC", "normal", one_of("normal", "full"))
    keep: float = setting("MMF_TASK_KEEP_HOURS", 24 * 3600.0, _hours)
    max_kept: int = setting("MMF_TASK_KEEP_MIB", 1024 * MIB, mebibytes)
