"""`make demo`, after the project is made and installed."""

import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import pytest

from baking import ROOT
from commands import Project, free_port, stop


@contextmanager
def demo(project: Project, port: int) -> Iterator[subprocess.Popen[str]]:
    """Run tools/demo.py until the block ends."""
    command = [str(project.bin / "python"), "tools/demo.py", str(project.folder)]
    process = subprocess.Popen(
        [*command, "--port", str(port)],
        cwd=ROOT,
        env=project.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        stop(process)


def read_until(lines: IO[str] | None, end: str) -> str:
    """Read output up to the line that contains `end`."""
    assert lines is not None
    printed = ""
    for line in lines:
        printed += line
        if end in line:
            break
    return printed


def is_free(port: int) -> bool:
    """Return whether `port` is free again."""
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.parametrize(
    "number",
    [pytest.param(number, marks=pytest.mark.long) for number in (signal.SIGINT, signal.SIGTERM)],
    ids=lambda number: number.name,
)
def test_demo_predicts_and_serves_until_stopped(installed: Project, number: signal.Signals) -> None:
    port = free_port()
    with demo(installed, port) as process:
        printed = read_until(process.stdout, "until Ctrl-C")
        print(printed)
        assert f"Serving on http://127.0.0.1:{port} until Ctrl-C" in printed
        rows = re.findall(r"(?m)(class_\d) +(class_\d) +(class_\d)$", printed)
        assert rows == [(f"class_{kind}",) * 3 for kind in (0, 0, 1, 1, 2, 2)]

        process.send_signal(number)
        rest, _ = process.communicate(timeout=40)

    assert process.returncode == 0, rest
    assert "Traceback" not in rest
    assert is_free(port)


def test_busy_port_is_reported_in_one_line(installed: Project) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with demo(installed, port) as process:
            printed, _ = process.communicate(timeout=40)
    message = f"Port {port}: Address already in use. Try: make demo PORT={port + 1}\n"
    assert (process.returncode, printed) == (1, message)


@pytest.mark.long
def test_failed_start_is_reported(installed: Project) -> None:
    model = installed.folder / "model.joblib"
    content = model.read_bytes()
    model.write_bytes(b"")
    try:
        with demo(installed, free_port()) as process:
            printed, _ = process.communicate(timeout=60)
    finally:
        model.write_bytes(content)
    assert process.returncode == 1
    assert printed.endswith("the reason is above.\n")
