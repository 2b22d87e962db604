"""The setting of retraining."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, on_off, setting


@dataclass(frozen=True)
class RetrainingSettings(SettingsGroup):
    """Whether requests may train; the schedule and the command line always may."""

    http: bool = setting("MMF_RETRAIN_HTTP", False, on_off)
