"""The memory of a service that is loaded, forked and warmed up as gunicorn does it."""

from __future__ import annotations

import gc
import os
import threading
from functools import partial
from multiprocessing.connection import Connection

import click

from ..example_calls import Fork, warm_up
from ..processes import process_tree, pss
from ..registry import Registry, default

WARM_UP_TIMEOUT = 60.0  # seconds


@click.command("measure-memory", hidden=True)  # a step of `mmfmeta size`
@click.argument("module", default="main")
@click.option("--workers", default=1, type=click.IntRange(1))
def measure_memory(module: str, workers: int) -> None:
    """Load MODULE, fork workers that call its targets, and print the bytes of all processes."""
    import gunicorn.app.wsgiapp  # noqa: F401 - a service has it in memory too

    from ..web import create_app

    create_app(module)
    gc.collect()
    gc.freeze()
    forks = [Fork(partial(_work, default)) for _ in range(workers)]
    try:
        for fork in forks:
            fork.reader.recv_bytes()
        total = sum(map(pss, process_tree(os.getpid())))
    except EOFError as error:
        raise click.ClickException("a worker ended during its warm-up") from error
    finally:
        for fork in forks:
            fork.end()
    click.echo(total)


def _work(registry: Registry, to: Connection) -> None:
    registry.load_artifacts()
    warm_up(registry, WARM_UP_TIMEOUT)
    to.send_bytes(b"warm")
    threading.Event().wait()  # until it is ended
