"""Retraining: targets that return a model, which is tested and becomes the service's next one."""

from __future__ import annotations

from ..capabilities import Capability
from .commands import retrain
from .master import remember_master
from .routes import blueprints, describe_call
from .settings import RetrainingSettings
from .training import make_trainer

CAPABILITY = Capability(
    requires=("artifact_commands", "tasks"),
    settings=RetrainingSettings,
    blueprints=blueprints,
    operation=describe_call,
    commands=(retrain,),
    trainer=make_trainer,
    before_load=remember_master,
)
