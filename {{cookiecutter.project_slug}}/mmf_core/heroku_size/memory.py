"""The memory that a service takes, loaded, forked and warmed up as gunicorn does it."""

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

LONGEST = 60.0  # seconds that a worker may warm up


@click.command("measure-memory", hidden=True)  # a step of `mmfmeta size`
@click.argument("module", default="main")
@click.option("--workers", default=1, type=click.IntRange(1))
def measure_memory(module: str, workers: int) -> None:
    """Load MODULE, fork workers, let each call its targets; print the bytes of them all."""
    import gunicorn.app.wsgiapp  # noqa: F401 - it is in the memory of a service, too

    from ..web import create_app

    create_app(module)
    gc.collect()
    gc.freeze()
    forks = [Fork(partial(_work, default)) for _ in range(workers)]
    try:
        for one in forks:
            one.reader.recv_bytes()
        total = sum(map(pss, process_tree(os.getpid())))
    except EOFError as error:
        raise click.ClickException("a worker has ended while it was warming up") from error
    finally:
        for one in forks:
            one.end()
    click.echo(total)


def _work(registry: Registry, to: Connection) -> None:
    registry.load_artifacts()
    warm_up(registry, LONGEST)
    to.send_bytes(b"warm")
    threading.Event().wait()  # until it is ended
