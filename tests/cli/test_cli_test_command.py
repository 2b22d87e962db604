"""`mmfmeta test main.py`: whether a project works with only its requirements.txt."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import pytest
from click.testing import CliRunner

from baking import PAYLOAD
from mmf_core.cli import main
from mmf_core.project_check import check_command

GOOD = """
import mmf_core as mmf


@mmf.target(returns=mmf.String())
def greet(who=mmf.String()):
    return who
"""
LOSES_A_THREAD = """
from queue import SimpleQueue
from threading import Thread

import mmf_core as mmf


@mmf.artifact("echo")
def echo():
    work = SimpleQueue()

    def serve():
        while True:
            text, reply = work.get()
            reply.put(text)

    Thread(target=serve).start()  # the interpreter would wait for it
    return work


@mmf.target(returns=mmf.String())
def greet(who=mmf.String()):
    reply = SimpleQueue()
    echo.put((who, reply))
    return reply.get()
"""
STEPS = [
    "creating a virtual environment …",
    "installing requirements.txt …",
    "get-meta main.py …",
    "calling every target in a fork …",
]
LONGEST = 120.0


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a project with one scalar target, which needs four packages."""
    folder = tmp_path / "project"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(PAYLOAD / "mmf_core", folder / "mmf_core", ignore=ignored)
    (folder / "main.py").write_text(GOOD)
    pins = [f"{name}=={version(name)}\n" for name in ("click", "flask", "orjson")]
    (folder / "requirements.txt").write_text("".join(pins))
    return folder


@pytest.fixture
def temporary(tmp_path: Path) -> Path:
    """Return the parent of temporary folders."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def command(project: Path, temporary: Path, *arguments: str) -> dict[str, Any]:
    """Return the Popen arguments of `mmfmeta test` in a project."""
    environment = {name: text for name, text in os.environ.items() if name != "VIRTUAL_ENV"}
    return {
        "args": [sys.executable, "-m", "mmf_core", "test", *arguments],
        "cwd": project,
        "env": environment | {"TMPDIR": str(temporary)},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
    }


def left_over(temporary: Path) -> list[str]:
    """List environments that were not removed; installers keep other files."""
    return [folder.name for folder in temporary.iterdir() if folder.name.startswith("mmfmeta-")]


# With real environments


def test_valid_project(project: Path, temporary: Path) -> None:
    before = sorted(project.rglob("*"))
    done = subprocess.run(**command(project, temporary, "main.py"), timeout=LONGEST, check=False)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert [line for line in lines if line.endswith("…")] == STEPS
    assert lines[-2] == "  greet: safe"
    assert lines[-1].startswith("ok: ")
    assert not left_over(temporary)
    after = {file for file in project.rglob("*") if "__pycache__" not in file.parts}
    assert after == set(before), "nothing is written into the project"


@pytest.mark.parametrize(
    ("file", "text", "step"),
    [
        ("requirements.txt", "./not-there\n", STEPS[1]),
        ("main.py", "1 / 0\n", STEPS[2]),
        ("main.py", GOOD + "import a_package_that_is_not_required\n", STEPS[2]),
    ],
    ids=["no such package", "raises", "needs more"],
)
def test_invalid_project(project: Path, temporary: Path, file: str, text: str, step: str) -> None:
    (project / file).write_text(text)
    done = subprocess.run(**command(project, temporary, "main.py"), timeout=LONGEST, check=False)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(f"Error: failed: {step.removesuffix(' …')}")
    assert "Traceback" not in done.stderr
    assert "ok" not in done.stdout.split()
    assert not left_over(temporary)


def test_project_that_loses_a_thread_in_the_fork(project: Path, temporary: Path) -> None:
    (project / "main.py").write_text(LOSES_A_THREAD)
    arguments = command(project, temporary, "main.py", "--fork-timeout", "1")
    done = subprocess.run(**arguments, timeout=LONGEST, check=False)
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].startswith("  greet: hangs: ")
    blame, last = done.stderr.splitlines()[-2:]
    assert "greet" in blame
    assert "preload=False" in blame
    assert last == "Error: failed: calling every target in a fork; see the output above"
    assert not left_over(temporary)


@pytest.fixture
def silent_index() -> Iterator[socket.socket]:
    """Yield a package index that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(LONGEST)
        yield listener


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM], ids=lambda signal_number: signal_number.name
)
@pytest.mark.long
def test_signal_removes_the_environment(
    project: Path, temporary: Path, silent_index: socket.socket, number: signal.Signals
) -> None:
    port = silent_index.getsockname()[1]
    (project / "requirements.txt").write_text(
        f"--index-url http://127.0.0.1:{port}/simple\na-package-of-nobody\n"
    )
    start = command(project, temporary, "main.py")
    with subprocess.Popen(**start, start_new_session=True) as process:
        connection, _ = silent_index.accept()
        with connection:
            assert left_over(temporary), "the environment exists while packages are installed"
            process.send_signal(number)
            out, err = process.communicate(timeout=LONGEST)
            connection.settimeout(LONGEST)
            while connection.recv(65_536):
                pass  # it ends when the installer has ended, too
    assert process.returncode == 1
    assert out.splitlines()[-1] == STEPS[1]
    assert "Traceback" not in err
    assert not left_over(temporary)


# Without them


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """Return the list of commands that would have been run; each succeeds."""
    commands: list[list[str]] = []

    def run(arguments: list[Any], **_: Any) -> SimpleNamespace:
        commands.append([str(argument) for argument in arguments])
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(check_command.subprocess, "run", run)
    handler = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(signal, "signal", lambda *_: handler)
    return commands


def test_pip_is_used_without_uv(
    project: Path, calls: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "uv", None)
    result = CliRunner().invoke(main, ["test", str(project / "main.py")])
    assert result.exit_code == 0, result.output
    make, install, describe, check = calls
    environment = Path(make[-1])
    python = str(environment / "bin" / "python")
    assert make[1:3] == ["-m", "venv"]
    assert install[:4] == [python, "-m", "pip", "install"]
    assert install[-2:] == ["-r", "requirements.txt"]
    assert describe[:4] == [python, "-m", "mmf_core", "get-meta"]
    assert check == [python, "-m", "mmf_core", "check-fork", "main", "--timeout", "30"]
    assert not environment.exists()


def test_uv_is_used_if_available(project: Path, calls: list[list[str]]) -> None:
    result = CliRunner().invoke(main, ["test", str(project / "main.py")])
    assert result.exit_code == 0, result.output
    make, install, *_ = calls
    assert Path(install[0]).stem == "uv"
    assert install[install.index("--python") + 1].startswith(make[-1])


@pytest.mark.parametrize(
    ("missing", "arguments"),
    [
        ("main.py", ["main.py"]),
        ("main.py", []),
        ("requirements.txt", ["main.py"]),
        ("other.py", ["other.py"]),
        ("mmf_core", ["mmf_core"]),
    ],
)
def test_missing_file(
    project: Path,
    calls: list[list[str]],
    monkeypatch: pytest.MonkeyPatch,
    missing: str,
    arguments: list[str],
) -> None:
    monkeypatch.chdir(project)
    (project / missing).unlink(missing_ok=True) if missing != "mmf_core" else None
    result = CliRunner().invoke(main, ["test", *arguments])
    assert result.exit_code == 1
    (line,) = result.stderr.splitlines()
    assert line.startswith("Error: ")
    assert missing in line
    assert not calls, "no step is started"


@pytest.mark.parametrize("failing", range(len(STEPS)))
def test_failing_step_is_named(
    project: Path, monkeypatch: pytest.MonkeyPatch, calls: list[list[str]], failing: int
) -> None:
    def run(arguments: list[Any], **_: Any) -> SimpleNamespace:
        calls.append([str(argument) for argument in arguments])
        return SimpleNamespace(returncode=int(len(calls) == failing + 1))

    monkeypatch.setattr(check_command.subprocess, "run", run)
    result = CliRunner().invoke(main, ["test", str(project / "main.py")])
    assert result.exit_code == 1
    assert STEPS[failing].removesuffix(" …") in result.stderr
    assert result.stdout.splitlines() == STEPS[: failing + 1]
    assert not Path(calls[0][-1]).exists()


def test_sigterm_cleans_up_like_ctrl_c(
    project: Path, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_arguments: list[Any], **_: Any) -> None:
        signal.raise_signal(signal.SIGTERM)

    monkeypatch.setattr(check_command.subprocess, "run", run)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    handler = signal.getsignal(signal.SIGTERM)
    try:
        result = CliRunner().invoke(main, ["test", str(project / "main.py")])
    finally:
        signal.signal(signal.SIGTERM, handler)
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit | click.Abort)
    assert not left_over(temporary)
