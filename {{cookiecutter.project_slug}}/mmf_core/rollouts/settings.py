"""The settings of rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..settings import SettingsGroup, on_off, setting


@dataclass(frozen=True)
class RolloutSettings(SettingsGroup):
    """Where the plan is, and whether requests may read and change it."""

    plan: str = setting("MMF_ROLLOUT", "rollout.toml", str)
    http: bool = setting("MMF_ADMIN_HTTP", False, on_off)

    @property
    def file(self) -> Path:
        """The path of the plan."""
        return Path(self.plan)
