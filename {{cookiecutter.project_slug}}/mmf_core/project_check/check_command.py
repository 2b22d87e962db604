"""`mmfmeta test main.py`: check that the project works with only its requirements.txt."""

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
    help="Time limit in seconds for a target's call on its example.",
)
def test(script: Path, fork_timeout: int) -> None:
    """Check SCRIPT (default: main.py) in a new virtual environment.

    Only requirements.txt is installed there. The project is imported and described, and every
    target is called on its example, with and without a fork. The environment is removed afterwards.
    """
    project = script.resolve().parent
    for file in (script, project / "requirements.txt"):
        if not file.is_file():
            raise click.ClickException(f"{file.name} not found in {project}")
    signal.signal(signal.SIGTERM, _interrupt)  # removes the environment, too
    uv = _uv()
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        environment = Path(folder)
        python = environment / ("Scripts" if sys.platform == "win32" else "bin") / "python"
        _step(
            "creating a virtual environment",
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
    """Return the path of uv if it is installed: it takes a tenth of pip's time."""
    try:
        from uv import find_uv_bin
    except ImportError:
        return None
    return find_uv_bin()


def _installer(python: Path, uv: str | None) -> list[str | Path]:
    if uv:
        return [uv, "pip", "install", "--quiet", "--python", python]
    return [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]


def _step(name: str, *command: str | Path, cwd: Path | None = None) -> None:
    click.echo(f"{name} …")
    if subprocess.run(command, cwd=cwd, check=False).returncode:
        raise click.ClickException(f"failed: {name}; see the output above")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
