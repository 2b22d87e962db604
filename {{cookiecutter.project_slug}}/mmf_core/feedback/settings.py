"""The settings of feedback."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..settings import MIB, SettingsGroup, mebibytes, number, on_off, setting

_DAY = 24 * 3600.0
_MAX_DAYS = 3650


def _days(text: str) -> float:
    """Read days; return seconds."""
    days = number(text)
    if not 0 < days <= _MAX_DAYS:
        raise ValueError(f"expected days, more than 0 and at most {_MAX_DAYS}")
    return days * _DAY


@dataclass(frozen=True)
class FeedbackSettings(SettingsGroup):
    """Whether responses are recorded and feedback is accepted, where it is kept, and for how long.

    `keep` is in seconds, `max_kept` in bytes.
    """

    is_on: bool = setting("MMF_FEEDBACK", False, on_off)
    folder: str = setting("MMF_FEEDBACK_DIR", ".feedback", str)
    keep: float = setting("MMF_FEEDBACK_DAYS", 30 * _DAY, _days)
    max_kept: int = setting("MMF_FEEDBACK_MIB", 256 * MIB, mebibytes)

    @property
    def file(self) -> Path:
        """The database of responses and feedback."""
        return Path(self.folder).absolute() / "feedback.db"
