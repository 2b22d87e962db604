"""Requests may train only if the operator allows it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, request

from ..errors import PROBLEM_MEDIA_TYPE
from ..target import Target
from ..web.openapi.sections import ref, response
from ..web.protocols import Service
from .errors import RetrainingForbidden
from .settings import RetrainingSettings


def blueprints(service: Service) -> Iterable[Blueprint]:
    """Return the hook that rejects requests to train, unless MMF_RETRAIN_HTTP is set."""
    routes = {
        f"{target.route}.call": target.route
        for target in service.registry.targets.values()
        if target.trains
    }
    if not routes or RetrainingSettings.from_env().http:
        return []
    guard = Blueprint("retraining", __name__)

    @guard.before_app_request
    def refuse() -> None:
        if request.method == "POST" and request.endpoint in routes:
            raise RetrainingForbidden(
                f"{routes[request.endpoint]} may not be called by requests (set MMF_RETRAIN_HTTP=1)"
            )

    return [guard]


def describe_call(target: Target, operation: dict[str, Any]) -> None:
    """Add the 403 to the description of a target that trains."""
    if target.trains:
        reason = "requests may not train (MMF_RETRAIN_HTTP)"
        problem = response(reason, ref("schemas", "Problem"), PROBLEM_MEDIA_TYPE)
        operation["responses"]["403"] = problem
