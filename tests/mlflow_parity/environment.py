"""The full mlflow, in an environment of its own: it wants an older gunicorn than the service."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from baking import ROOT
from running import LONGEST_COMMAND, free_port, stop, wait_until_ready

PINS = ROOT / "benchmarks" / "peers" / "mlflow" / "requirements.txt"
FOLDER = ROOT / ".cache" / "mlflow"
BIN = FOLDER / "venv" / "bin"
HERE = Path(__file__).resolve().parent


def install(pins: Path = PINS, folder: Path = FOLDER) -> Path:
    """Make the environment, unless it is there, and return the folder of its programs.

    Several test processes may ask at once.
    """
    folder.mkdir(parents=True, exist_ok=True)
    stamp, wanted = folder / "installed", pins.read_text(encoding="utf-8") + sys.version
    programs = folder / "venv" / "bin"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
            return programs
        uv = [sys.executable, "-m", "uv"]
        run(*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(programs.parent))
        python = str(programs / "python")
        run(*uv, "pip", "install", "--quiet", "--python", python, "--requirement", str(pins))
        stamp.write_text(wanted, encoding="utf-8")
    return programs


def script(name: str, *arguments: str) -> str:
    """Run a script beside this file in the environment; return what it printed."""
    return run(str(BIN / "python"), str(HERE / name), *arguments)


def run(*command: str, **extra: str) -> str:
    """Run a command that must succeed; return what it printed."""
    done = subprocess.run(
        command,
        env=_environment(**extra),
        capture_output=True,
        text=True,
        timeout=LONGEST_COMMAND,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done.stdout


@contextmanager
def serving(model: Path | str, log: Path, seconds: int, **extra: str) -> Iterator[int]:
    """Serve a model by `mlflow models serve` until the block ends; gives its port."""
    port = free_port()
    where = ("--port", str(port), "--host", "127.0.0.1", "--env-manager", "local")
    command = [str(BIN / "mlflow"), "models", "serve", "--model-uri", str(model), *where]
    with running([*command, "--timeout", str(seconds)], log, f"{port}/ping", **extra):
        yield port


@contextmanager
def running(command: list[str], log: Path, ready: str, **extra: str) -> Iterator[None]:
    """Run a server of the environment until the block ends; `ready` is the port and path to ask."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            env=_environment(**extra),
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


def _environment(**extra: str) -> dict[str, str]:
    ours = ("COV_", "MLFLOW_", "MMF_", "PYTHON", "VIRTUAL_ENV")
    kept = {name: text for name, text in os.environ.items() if not name.startswith(ours)}
    path = os.pathsep.join([str(BIN), kept["PATH"]])
    return kept | {"MLFLOW_DISABLE_TELEMETRY": "true", "PATH": path} | extra
