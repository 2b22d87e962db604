"""Feedback: rewards and the truth for responses, by which each version is measured."""

from __future__ import annotations

from ..capabilities import Capability
from .openapi import section
from .routes import blueprints
from .service import call_observer, gauges, rewards, task_observer
from .settings import FeedbackSettings

CAPABILITY = Capability(
    settings=FeedbackSettings,
    blueprints=blueprints,
    openapi=section,
    groups={"feedback": "feedback"},
    call_observer=call_observer,
    task_observer=task_observer,
    gauges=gauges,
    rewards=rewards,
)
