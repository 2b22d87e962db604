"""The setting of drift."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, duration, setting


@dataclass(frozen=True)
class DriftSettings(SettingsGroup):
    """The seconds of the window that is compared with the reference; 0: off."""

    seconds: float = setting("MMF_DRIFT_SECONDS", 0.0, duration)
