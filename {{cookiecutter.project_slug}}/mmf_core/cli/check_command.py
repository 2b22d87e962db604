"""`mmfmeta test main.py`: whether the project works with nothing but its requirements.txt."""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from types import FrameType

import click

from .fork_check import LONGEST_CALL, SECONDS


@click.command()
@click.argument("script", default="main.py", type=click.Path(path_type=Path))
@click.option(
    "--fork-timeout",
    default=LONGEST_CALL,
    show_default=True,
    type=SECONDS,
    help="Seconds that a target may take on its example.",
)
def test(script: Path, fork_timeout: int) -> None:
    """Install requirements.txt into a new virtual environment and see what works there.

    The project is described by get-meta, and every target called on its example, also in a fork.
    The environment is removed.
    """
    project = script.resolve().parent
    for needed in (script, project / "requirements.txt"):
        if not needed.is_file():
            raise click.ClickException(f"{needed.name} is not in {project}")
    signal.signal(signal.SIGTERM, _interrupt)  # so that the environment is removed then, too
    uv = _uv()
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        environment = Path(folder)
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        _step(
            "making a virtual environment",
            sys.executable,
            "-m",
            "venv",
            *(["--without-pip"] if uv else []),
            folder,
        )
        _step(
            "installing requirements.txt",
            *_installer(python, uv),
            "-r",
            "requirements.txt",
            cwd=project,
        )
        out = str(environment / "mmf.json")
        _step(
            f"get-meta {script.name}",
            python,
            "-m",
            "mmf_core",
            "get-meta",
            script.stem,
            "--out",
            out,
            cwd=project,
        )
        _step(
            "calling every target in a fork",
            python,
            "-m",
            "mmf_core",
            "check-fork",
            script.stem,
            "--timeout",
            str(fork_timeout),
            cwd=project,
        )
    click.echo("ok: the project can be installed, described and forked")


def _uv() -> str | None:
    """Return uv's program where it is installed: it does the same in a tenth of the time."""
    try:
        from uv import find_uv_bin
    except ImportError:
        return None
    return find_uv_bin()


def _installer(python: Path, uv: str | None) -> list[str | Path]:
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _step(what: str, *command: str | Path, cwd: Path | None = None) -> None:
    click.echo(f"{what} …")
    if subprocess.run(command, cwd=cwd, check=False).returncode:
        raise click.ClickException(f"failed while {what}; its output is above")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
