"""The full mlflow, in an environment of its own: it wants an older gunicorn than the service."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baking import ROOT
from commands import LONGEST_COMMAND, free_port, make_environment, stop, wait_until_ready

PINS = ROOT / "benchmarks" / "peers" / "mlflow" / "requirements.txt"
BIN = ROOT / ".cache" / "mlflow" / "venv" / "bin"
HERE = Path(__file__).resolve().parent


def install() -> None:
    """Make the environment, unless it is there."""
    make_environment("mlflow", PINS)


def script(name: str, *arguments: str) -> str:
    """Run a script beside this file in the environment; return what it printed."""
    return run(str(BIN / "python"), str(HERE / name), *arguments)


def run(*command: str, **extra: str) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        command,
        env=_environment(BIN, **extra),
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def serving(
    model: Path | str, log: Path, seconds: int, programs: Path = BIN, **extra: str
) -> Iterator[int]:
    """Serve a model by `mlflow models serve` until the block ends; gives its port."""
    port = free_port()
    where = ("--port", str(port), "--host", "127.0.0.1", "--env-manager", "local")
    command = [str(programs / "mlflow"), "models", "serve", "--model-uri", str(model), *where]
    command += ["--timeout", str(seconds)]
    with running(command, log, f"{port}/ping", programs, **extra):
        yield port


@contextmanager
def running(
    command: list[str], log: Path, ready: str, programs: Path = BIN, **extra: str
) -> Iterator[None]:
    """Run a server of the environment until the block ends; `ready` is the port and path to ask."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=_environment(programs, **extra),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until_ready(process, f"http://127.0.0.1:{ready}")
        yield
    finally:
        stop(process)
        print(log.read_text(encoding="utf-8"))


def _environment(programs: Path, **extra: str) -> dict[str, str]:
    ours = ("COV_", "MLFLOW_", "MMF_", "PYTHON", "VIRTUAL_ENV")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join([str(programs), kept["PATH"]])
    return kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path} | extra
