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
        for one in forks:
            one.reader.recv_bytes()
        total = sum(map(pss, family(os.getpid())))
    except EOFError as error:
        raise click.ClickException("a worker has ended while it was warming up") from error
    finally:
        for one in forks:
            one.end()
    click.echo(total)


def family(pid: int) -> list[int]:
    """List a process and all that it and its children have started: a model may run in Java."""
    parents = {int(one.name): _parent(one) for one in PROC.iterdir() if one.name.isdecimal()}
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def pss(pid: int) -> int:
    """Return a process's proportional set size in bytes: a page that n share counts an nth."""
    for line in (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * KIB
    raise ValueError(f"process {pid} has no Pss")


def _parent(process: Path) -> int:
    try:
        # A program's name stands in brackets, and may have any character in it.
        return int((process / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        return 0


def _work(registry: Registry, to: Connection) -> None:
    registry.make_ready()
    warm_up(registry, LONGEST)
    to.send_bytes(b"warm")
    threading.Event().wait()  # until it is ended
