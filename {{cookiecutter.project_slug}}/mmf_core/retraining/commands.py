"""`mmfmeta retrain`: train now, without a request and without a queue."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click


@click.command()
@click.argument("target")
@click.argument("arguments", nargs=-1)
def retrain(target: str, arguments: tuple[str, ...]) -> None:
    """Train by TARGET, with ARGUMENTS in the form of curl's -F: data=@wines.csv, depth=3.

    The model becomes the next version as after a scheduled training. A running service loads it on
    SIGHUP, or automatically with MMF_RELOAD_SECONDS.
    """
    from werkzeug.test import EnvironBuilder

    from ..codecs import json
    from ..tasks.service import TaskService
    from ..web import create_app
    from ..web.http.requests import MULTIPART

    app = create_app("main")
    calls = TaskService.of(app).calls
    trainable = [route for route, call in calls.items() if call.target.trains]
    if target not in trainable:
        raise click.ClickException(
            f"{target}: expected a target with returns=mmf.ModelFile(…): "
            f"{', '.join(trainable) or 'main.py has none'}"
        )
    with ExitStack() as stack:
        parts = dict(_part(argument, stack) for argument in arguments)
        media_type = MULTIPART if parts else None
        builder = EnvironBuilder(f"/{target}", method="POST", data=parts, content_type=media_type)
        request = app.request_class(builder.get_environ())
        with app.app_context():
            summary = calls[target].call(calls[target].read(request))
    click.echo(json.dumps(summary).decode())


def _part(argument: str, stack: ExitStack) -> tuple[str, Any]:
    """Return the name of an argument, and its text or its open file."""
    name, separator, text = argument.partition("=")
    if not separator:
        raise click.ClickException(f"{argument}: expected NAME=VALUE or NAME=@FILE")
    if not text.startswith("@"):
        return name, text
    path = Path(text[1:])
    try:
        return name, (stack.enter_context(path.open("rb")), path.name)
    except OSError as error:
        raise click.ClickException(f"cannot read {path}: {error.strerror}") from error
