"""Starts a small service with gunicorn or Flask, as an operator does."""

import atexit
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO

from baking import PAYLOAD
from commands import Process, free_port, stop, wait_until_ready
from zygote import Zygote

APP = """
import logging

import mmf_core as mmf
from mmf_core.web import create_app

registry = mmf.Registry()


@registry.target(returns=mmf.Integer())
def size(file=mmf.File()):
    return len(file)


@registry.target(returns=mmf.String())
def echo(text=mmf.String()):
    print("printed", text)
    logging.getLogger("author").warning("logged %s", text)
    return text


@registry.target(returns=mmf.File())
def имя(file=mmf.File()):
    return file


@registry.target(returns=mmf.String())
def broken(text=mmf.String(default="")):
    raise RuntimeError("a secret of the author")


app = create_app(registry)
"""

COMMANDS = {
    "gunicorn": [
        *("-m", "gunicorn", "-c", str(PAYLOAD / "gunicorn.conf.py")),
        "app:app",
    ],
    "flask": ["-m", "flask", "run"],
}


@dataclass(frozen=True)
class Service:
    """A running service: its URL and its process."""

    url: str
    port: int
    process: Process


@cache
def zygote() -> Zygote:
    """Give this test process's zygote; it ends with it."""
    zygote = Zygote()
    atexit.register(zygote.close)
    return zygote


@contextmanager
def serve(
    server: str,
    folder: Path,
    output: IO[bytes] | int,
    app: str = APP,
    *,
    new_interpreter: bool = False,
    **extra: str,
) -> Iterator[Service]:
    """Serve `app` from `folder` until the block ends, writing to `output`.

    It is forked from a process in which pandas and scikit-learn are imported already, unless
    `new_interpreter` requests a start like a user's.
    """
    (folder / "app.py").write_text(app, encoding="utf-8")
    port = int(extra.get("PORT", 0)) or free_port()
    ours = ("COV_", "FLASK_", "GUNICORN_", "MMF_", "WEB_", "WERKZEUG_")
    environment = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    environment |= {
        "PYTHONPATH": str(PAYLOAD),
        "PORT": str(port),
        "FLASK_RUN_PORT": str(port),
        "WEB_HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "2",
        "MMF_DRAIN_SECONDS": "0",
        "MMF_TASK_WORKERS": "0",  # the master's processes are its workers
    }
    start = start_python if new_interpreter else zygote().start
    process = start(COMMANDS[server], cwd=folder, env=environment | extra, output=output)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(process, f"{url}/health/ready")
        yield Service(url, port, process)
    finally:
        stop(process)


def start_python(
    arguments: list[str], *, cwd: Path, env: dict[str, str], output: IO[bytes] | int
) -> subprocess.Popen[bytes]:
    """Run `python ARGUMENTS` with a new interpreter in a new session."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=cwd,
        env=env,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
