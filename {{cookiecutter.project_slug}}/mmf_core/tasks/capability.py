"""Tasks: calls of targets whose results are fetched later; they survive crashes."""

from __future__ import annotations

import os
from collections.abc import Callable

from ..capabilities import Capability
from ..web import rest
from ..web.protocols import Protocol
from .commands import worker
from .openapi import describe_call, section
from .routes import blueprints
from .service import TaskService, gauges, reimporting
from .settings import TaskSettings


def _process(grace: float) -> Callable[[], None] | None:
    """Return the function that runs tasks beside the web workers, until the service ends."""
    from ..server import graceful_shutdown
    from .worker import TaskWorker

    app, master = TaskService.latest, os.getpid()
    if app is None or not (slots := TaskService.of(app).settings.workers):
        return None

    def seconds_left() -> float | None:
        if os.getppid() != master:
            return 0.0
        return grace if graceful_shutdown.has_begun() else None

    return TaskWorker(app, slots, grace, seconds_left).run


CAPABILITY = Capability(
    settings=TaskSettings,
    protocol=Protocol(
        name="tasks",
        segments=("tasks", "task", "log"),
        blueprints=blueprints,
        error=rest.error,
        openapi=section,
    ),
    groups={"tasks": "tasks", "mmf_tasks": "tasks"},
    commands=(worker,),
    gauges=gauges,
    operation=describe_call,
    runs_background=True,
    process=_process,
    reimporting=reimporting,
)
