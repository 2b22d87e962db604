"""Starts Python programs by forking a process that has already imported what takes long to import.

Run as a script by `Zygote`, with the number of a socket. For each program the socket carries two
descriptors: one to talk about it, and one that its output goes to. Each program is forked and
waited for by a small process of its own, so the zygote keeps no state.
"""

import gc
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import IO, Any

IMPORTED = (
    *("numpy", "pandas", "joblib", "openpyxl", "orjson", "defusedxml.ElementTree", "PIL.Image"),
    *("sklearn.datasets", "sklearn.ensemble", "sklearn.linear_model", "sklearn.pipeline"),
    *("sklearn.preprocessing", "sklearn.tree"),
    *("flask.cli", "ssl"),
)
"""Not gunicorn and prometheus_client: they read the environment and the folder when imported."""


GRACE = 5.0
"""Seconds for a program to end after its test."""


class Forked:
    """A running program; what `subprocess.Popen` has, as far as tests need it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._lines = connection.makefile("r")
        self.pid = int(self._lines.readline())
        self.returncode: int | None = None

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end and return the exit code, or minus the signal's number."""
        if self.returncode is None:
            self._connection.settimeout(timeout)
            try:
                self._connection.recv(1, socket.MSG_PEEK)
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired([str(self.pid)], timeout or 0) from None
            self._connection.settimeout(None)
            self.returncode = int(self._lines.readline())
            self._lines.close()
            self._connection.close()
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code; None while the program runs."""
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the program has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


class Zygote:
    """The process from which programs are forked."""

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},  # a thread would not survive a fork
                start_new_session=True,
            )

    def start(
        self, arguments: list[str], *, cwd: Path, env: dict[str, str], output: IO[bytes] | int
    ) -> Forked:
        """Run `python ARGUMENTS` in a session of its own, all it prints going to `output`."""
        if output == subprocess.DEVNULL:
            with Path(os.devnull).open("wb") as nowhere:
                return self.start(arguments, cwd=cwd, env=env, output=nowhere)
        descriptor = output if isinstance(output, int) else output.fileno()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._socket, [b"x"], [theirs.fileno(), descriptor])
        program = {"arguments": arguments, "cwd": str(cwd), "env": env}
        ours.sendall(json.dumps(program).encode() + b"\n")
        return Forked(ours)

    def close(self) -> None:
        """End the zygote; what it has forked runs on."""
        self._socket.close()
        self._process.wait()


def main(requests: socket.socket) -> None:
    """Fork a program for every message, until the socket is closed."""
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")  # as gunicorn.conf.py does
    for module in IMPORTED:
        with suppress(ImportError):  # a test may need less than all
            import_module(module)
    gc.freeze()  # the collections of what is forked would copy these pages
    signal.signal(signal.SIGCHLD, forget_the_dead)
    while descriptors := socket.recv_fds(requests, 1, 2)[1]:
        if os.fork() == 0:
            requests.close()
            return supervise(*descriptors)
        for descriptor in descriptors:
            os.close(descriptor)
    return None


def forget_the_dead(*_: object) -> None:
    """Wait for the supervisors that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def supervise(talk: int, output: int) -> None:
    """Fork the program, and report its process id and then its exit code."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with socket.socket(fileno=talk) as connection:
        program = json.loads(connection.makefile("rb").readline())
        pid = os.fork()
        if pid == 0:
            connection.close()
            return run(program, output)
        connection.sendall(f"{pid}\n".encode())
        if has_hung_up(connection, pid):
            end(pid)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        with suppress(BrokenPipeError):
            connection.sendall(f"{code}\n".encode())
    return os._exit(0)


def has_hung_up(connection: socket.socket, pid: int) -> bool:
    """Wait until a program ends; report whether its test has ended first, such as by a signal."""
    if not hasattr(os, "pidfd_open"):  # not on Linux
        return False
    program = os.pidfd_open(pid)
    select.select([program, connection], [], [])
    return not select.select([program], [], [], 0)[0]


def end(pid: int) -> None:
    """End an orphaned program and all processes in its session."""
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGTERM)
    program = os.pidfd_open(pid)
    if not select.select([program], [], [], GRACE)[0]:
        os.killpg(pid, signal.SIGKILL)


def run(program: dict[str, Any], output: int) -> None:
    """Become the program, as far as it can see."""
    os.setsid()
    for standard in (1, 2):
        os.dup2(output, standard)
    os.close(output)
    os.chdir(program["cwd"])
    os.environ.clear()
    os.environ.update(program["env"])
    paths = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    sys.path[:1] = [program["cwd"], *filter(None, paths)]
    match program["arguments"]:
        case ["-m", module, *rest]:
            sys.argv = [module, *rest]
            runpy.run_module(module, run_name="__main__", alter_sys=True)
        case [script, *rest]:
            sys.argv = [script, *rest]
            runpy.run_path(script, run_name="__main__")


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
