"""Rollouts: two versions at once, silent, canary or A/B, with gates that roll a bad one back."""

from __future__ import annotations

from ..capabilities import Capability
from .commands import rollout
from .compare_command import compare
from .openapi import section
from .routes import blueprints
from .service import executions, gauges, mirror_process, panel, reimporting, start
from .settings import RolloutSettings

CAPABILITY = Capability(
    settings=RolloutSettings,
    blueprints=blueprints,
    openapi=section,
    groups={"rollout": "admin"},
    commands=(rollout, compare),
    gauges=gauges,
    panel=panel,
    executions=executions,
    process=mirror_process,
    worker_started=start,
    reimporting=reimporting,
)
