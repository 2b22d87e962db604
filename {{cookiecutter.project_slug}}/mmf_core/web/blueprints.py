"""The names of blueprints in an application.

The blueprint of a target has the target's name. All others are registered with a hyphen before
their names, which no target can have, so that a function may be called `grpc` or `mlflow`.
"""

from __future__ import annotations

from flask import Blueprint, Flask, current_app

PREFIX = "-"


def register(app: Flask, blueprint: Blueprint) -> None:
    """Register a blueprint that is not of a target."""
    app.register_blueprint(blueprint, name=f"{PREFIX}{blueprint.name}")


def is_registered(name: str) -> bool:
    """Return whether the application that serves this request has such a blueprint of its own."""
    return f"{PREFIX}{name}" in current_app.blueprints
