"""The settings of MLflow's protocol."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, on_off, setting


@dataclass(frozen=True)
class MLflowSettings(SettingsGroup):
    """`strict`: a crash of the target gets status 400, as from MLflow's own server."""

    strict: bool = setting("MMF_MLFLOW_STRICT", False, on_off)
