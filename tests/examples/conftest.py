"""Fixtures of the examples: the tool's own environment, and a project with the example's files.

`make test-examples` runs these tests, and prints what they have measured.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import services
from baking import PAYLOAD, ROOT, make_project
from commands import LONGEST_COMMAND, Project, make_environment

EXAMPLES = ROOT / "examples"
# Not laid over a project: the service's requirements stay its own.
NOT_COPIED = shutil.ignore_patterns("README.md", "requirements.*")
MMFMETA = '#!/bin/sh\nexec "$(dirname "$0")/python" -m mmf_core "$@"\n'
NEVER_STALE = 4_000_000_000
FIGURE = "figure of an example"
TEST_FILE = re.compile(r"/test_example_(\w+)\.py::")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what the tests have measured, for examples/README.md."""
    reports = [*terminalreporter.getreports(""), *terminalreporter.getreports("passed")]
    seconds = Counter[str]()
    figures = set[str]()
    for report in reports:
        if match := TEST_FILE.search(report.nodeid):
            seconds[match[1]] += report.duration
            figures |= {str(text) for name, text in report.user_properties if name == FIGURE}
    figures |= {f"{tool}: its tests: {total:.0f} s" for tool, total in seconds.items()}
    if figures:
        terminalreporter.section("measured, for examples/README.md")
    for text in sorted(figures):
        terminalreporter.write_line(text)


@pytest.fixture
def figure(
    request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> Callable[[str, float, str], None]:
    """Give a function that notes a measured number with its unit, printed after the tests."""
    tool = request.path.stem.removeprefix("test_example_")
    return lambda what, number, unit: record_property(
        FIGURE, f"{tool}: {what}: {number:.3g} {unit}"
    )


@pytest.fixture(scope="session")
def example_environment() -> Callable[[str], Path]:
    """Give a function that makes an example's environment, and returns its programs' folder."""

    def make(tool: str) -> Path:
        pins = EXAMPLES / tool / "requirements.txt"
        try:
            programs = make_environment(f"examples/{tool}", pins)
        except subprocess.CalledProcessError as error:
            pytest.skip(f"examples/{tool}/requirements.txt cannot be installed: {error.stderr}")
        # What `make install` would add, and the file by which it knows that it has nothing to do.
        (programs / "mmfmeta").write_text(MMFMETA, encoding="utf-8")
        (programs / "mmfmeta").chmod(0o755)
        (programs.parent / "installed").touch()
        os.utime(programs.parent / "installed", (NEVER_STALE, NEVER_STALE))
        return programs

    return make


@pytest.fixture
def example_project(
    example_environment: Callable[[str], Path], tmp_path: Path
) -> Callable[..., Project]:
    """Give a function that makes a project, with an example's files and environment.

    What pins the service is included in the example's requirements.in if the service runs there.
    """

    def make(tool: str, **answers: str) -> Project:
        programs = example_environment(tool)
        folder = make_project(tmp_path / "output", answers)
        shutil.copytree(EXAMPLES / tool, folder, ignore=NOT_COPIED, dirs_exist_ok=True)
        (folder / ".venv").symlink_to(programs.parent)
        return Project(folder)

    return make


@pytest.fixture
def page_tests(
    sample_service: services.Service,
    example_environment: Callable[[str], Path],
    figure: Callable[[str, float, str], None],
    tmp_path: Path,
) -> Callable[..., None]:
    """Give a function that runs the tests of an example of a page, before a real service.

    `client` is the folder in the example that gets client.py, `count` how many tests there are.
    """

    def run(tool: str, *command: str, client: str, count: int, what: str) -> None:
        programs = example_environment(tool)
        folder = shutil.copytree(EXAMPLES / tool, tmp_path / "page")
        shutil.copy(PAYLOAD / "mmf_core" / "client.py", folder / client)
        began = time.monotonic()
        done = subprocess.run(
            [programs / "python", *command],
            cwd=folder,
            env={"MODEL_SERVICE": sample_service.url, "HOME": str(tmp_path)},
            capture_output=True,
            text=True,
            timeout=LONGEST_COMMAND,
            check=False,
        )
        figure(what, time.monotonic() - began, "s")
        assert done.returncode == 0, done.stdout + done.stderr
        assert f"Ran {count} tests" in done.stderr

    return run


@pytest.fixture(scope="session")
def sample_service(
    baked: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[services.Service]:
    """Serve the default project, with its sample model, for tools that only call a service."""
    folder = tmp_path_factory.mktemp("sample") / baked.name
    shutil.copytree(baked, folder)
    subprocess.run([sys.executable, "train.py"], cwd=folder, check=True, timeout=LONGEST_COMMAND)
    app = (folder / "app.py").read_text(encoding="utf-8")
    with (
        (folder / "log").open("wb") as log,
        services.serve("gunicorn", folder, log, app) as service,
    ):
        yield service
