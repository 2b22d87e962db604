"""`mmfmeta worker`: run tasks in a process without a web server."""

from __future__ import annotations

import logging

import click

GRACE = 25.0
"""Seconds for running tasks after SIGTERM, as under gunicorn."""


@click.command()
@click.option("-n", "--processes", type=click.IntRange(1, 256), help="Tasks that run at a time.")
@click.option(
    "--grace",
    type=click.FloatRange(0),
    default=GRACE,
    show_default=True,
    help="Seconds for running tasks after SIGTERM; then they are requeued.",
)
def worker(processes: int | None, grace: float) -> None:
    """Run tasks, MMF_TASK_WORKERS at a time, until SIGTERM."""
    from ..web import create_app
    from .service import TaskService
    from .worker import TaskWorker

    app = create_app("main")
    slots = processes or TaskService.of(app).settings.workers or 1
    logging.getLogger("mmf.tasks").info("running tasks until SIGTERM, %d at a time", slots)
    TaskWorker(app, slots, grace).run()
