"""The settings of MLflow's protocol."""

from __future__ import annotations

from dataclasses import dataclass

from ..settings import SettingsGroup, on_off, setting


@dataclass(frozen=True)
class MLflowSettings(SettingsGroup):
    """`strict`: a crash of the target is answered 400, as MLflow's own server does."""

    strict: bool = setting("MMF_MLFLOW_STRICT", False, on_off)
