"""The settings of the page."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, on_off, setting


@dataclass(frozen=True)
class PageSettings(SettingsGroup):
    """`enabled`: whether the page is served; the same variable switches `/docs`."""

    enabled: bool = setting("MMF_UI", True, on_off)
