"""The memory that a service takes, loaded, forked and warmed up as gunicorn does it."""

from __future__ import annotations

import gc
import os
import threading
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path

import click

from ..registry import Registry, default
from ..trials import Fork, warm_up

LONGEST = 60.0  # seconds that a worker may warm up
PROC = Path("/proc")
KIB = 1024


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
        pids = [os.getpid(), *(int(one.reader.recv_bytes()) for one in forks)]
        total = sum(map(pss, pids))
    except EOFError as error:
        raise click.ClickException("a worker has ended while it was warming up") from error
    finally:
        for one in forks:
            one.end()
    click.echo(total)


def pss(pid: int) -> int:
    """Return a process's proportional set size in bytes: a page that n share counts an nth."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * KIB
    raise ValueError(f"process {pid} has no Pss")


def _work(registry: Registry, to: Connection) -> None:
    registry.make_ready()
    warm_up(registry, LONGEST)
    to.send_bytes(str(os.getpid()).encode())
    threading.Event().wait()  # until it is ended
