"""Runs commands and servers of a generated project, as its user does."""

import fcntl
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

from baking import ROOT

LONGEST_COMMAND = 300.0
LONGEST_START = 120.0
LONGEST_STOP = 30.0
# What belongs to this test run and must not reach the project.
OURS = ("COV_", "GUNICORN_", "MAKE", "MFLAGS", "PYTEST_", "PYTHON", "RUFF_", "VIRTUAL_ENV", "WEB_")


class Process(Protocol):
    """What `subprocess.Popen` and `zygote.Forked` have in common."""

    pid: int
    returncode: Any

    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def send_signal(self, number: int, /) -> None: ...
    def terminate(self) -> None: ...


@dataclass(frozen=True)
class Project:
    """A generated project in `folder`."""

    folder: Path

    @property
    def bin(self) -> Path:
        """The folder of the project's programs."""
        return self.folder / ".venv" / "bin"

    def environment(self, **extra: str) -> dict[str, str]:
        """Return the environment of a user who has activated the project's."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        # The template's programs are not the project's.
        ours = str(Path(sys.executable).parent)
        elsewhere = [folder for folder in kept["PATH"].split(os.pathsep) if folder != ours]
        kept["PATH"] = os.pathsep.join([str(self.bin), *elsewhere])
        return kept | extra

    def run(self, *command: str, **extra: str) -> str:
        """Run a command in the project and return its output; it must succeed."""
        return self._ended(0, *command, **extra)

    def fails(self, *command: str, **extra: str) -> str:
        """Run a command that must exit with 1 and a message, and return its output."""
        return self.ends_with(1, *command, **extra)

    def ends_with(self, code: int, *command: str, **extra: str) -> str:
        """Run a command that must exit with this code and no traceback; return its output."""
        printed = self._ended(code, *command, **extra)
        assert "Traceback" not in printed
        return printed

    def _ended(self, code: int, *command: str, **extra: str) -> str:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**extra),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LONGEST_COMMAND,
            check=False,
        )
        print(f"$ {' '.join(command)}\n{done.stdout}")
        assert done.returncode == code, f"{command} ended with {done.returncode}\n{done.stdout}"
        return done.stdout

    @contextmanager
    def serving(self, *command: str, port: int, **extra: str) -> Iterator[str]:
        """Run a server until the block ends; yield its URL once it is ready.

        Its output is printed afterwards, so that pytest shows it if a test fails.
        """
        log = self.folder.parent / f"server-{port}.log"
        url = f"http://127.0.0.1:{port}"
        with log.open("w") as output:
            process = subprocess.Popen(
                command,
                cwd=self.folder,
                env=self.environment(**extra),
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        try:
            wait_until_ready(process, f"{url}/health/ready")
            yield url
        finally:
            stop(process)
            print(f"$ {' '.join(command)}\n{log.read_text()}")


def free_port() -> int:
    """Find a free port of 127.0.0.1."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until_ready(process: Process, url: str) -> None:
    """Return when `url` responds with 200; fail if the process has ended or takes too long."""
    end = time.monotonic() + LONGEST_START
    while time.monotonic() < end:
        assert process.poll() is None, f"the server ended with {process.returncode}"
        with suppress(OSError):
            with urllib.request.urlopen(url, timeout=5) as answer:
                assert answer.status == HTTPStatus.OK
            return
        time.sleep(0.02)
    raise AssertionError(f"{url} was not ready after {LONGEST_START} s")


def wait_until(holds: Callable[[], object]) -> None:
    """Return when a condition holds; fail if that takes too long."""
    end = time.monotonic() + LONGEST_START
    while not holds():
        assert time.monotonic() < end, f"{holds} did not hold within {LONGEST_START} s"
        time.sleep(0.02)


def stop(process: Process) -> None:
    """Stop a server and its processes: first with SIGTERM, then with SIGKILL."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(LONGEST_STOP)
    # Its own session, so the group holds nothing but what it started.
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(LONGEST_STOP)


def post_json(url: str, body: object, accept: str = "application/json") -> Any:
    """POST `body` as JSON and return the JSON of a 200 response."""
    headers = {"Content-Type": "application/json", "Accept": accept}
    request = urllib.request.Request(url, json.dumps(body).encode(), headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == HTTPStatus.OK
        return json.load(answer)


def make_environment(name: str, pins: Path) -> Path:
    """Create an environment with these versions unless it exists; return its programs' folder.

    Several test processes may request it at once.
    """
    folder = ROOT / ".cache" / name
    folder.mkdir(parents=True, exist_ok=True)
    programs, stamp = folder / "venv" / "bin", folder / "installed"
    contents = pins.read_text(encoding="utf-8") + sys.version
    uv = (sys.executable, "-m", "uv")
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != contents:
            stamp.unlink(missing_ok=True)
            try:
                for command in (
                    ("venv", "--clear", "--python", sys.executable, programs.parent),
                    ("pip", "install", "--python", programs / "python", "--requirement", pins),
                ):
                    done = subprocess.run(
                        [*uv, *command, "--quiet"],
                        stderr=subprocess.PIPE,
                        text=True,
                        timeout=LONGEST_COMMAND,
                        check=False,
                    )
                    print(done.stderr, end="", file=sys.stderr)
                    done.check_returncode()
            except BaseException:  # an interrupted installation leaves nothing behind
                shutil.rmtree(programs.parent, ignore_errors=True)
                raise
            stamp.write_text(contents, encoding="utf-8")
    return programs
