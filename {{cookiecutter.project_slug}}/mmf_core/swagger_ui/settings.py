"""The settings of Swagger UI."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, on_off, setting


@dataclass(frozen=True)
class SwaggerUISettings(SettingsGroup):
    """`enabled`: whether `/docs` is served; the same variable switches the page."""

    enabled: bool = setting("MMF_UI", True, on_off)
