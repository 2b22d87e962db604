"""Fixtures that make projects of the template, and one that is installed and has its model."""

import fcntl
import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from baking import OTHER, QUESTIONS, ROOT, make_project
from commands import Project

pytest.register_assert_rewrite("error_shape")

# cookiecutter copies everything in the payload, so what is imported there must leave no caches.
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".cache" / "pycache")

# A shell's background jobs ignore SIGINT, and what they start would, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

# No load balancer has to notice that a test's service is no longer ready before it ends.
os.environ.setdefault("MMF_DRAIN_SECONDS", "0")

# The same examples every time, so that a failure comes from the change; `make test-all` draws more.
settings.register_profile("default", max_examples=20, deadline=None, derandomize=True)
settings.load_profile("default")
settings.register_profile("thorough", max_examples=40, deadline=None)

# These files share a worker: what they use takes long to make, and is made once.
# xdist's own way to say so, `--dist=loadgroup`, groups nothing under pytest 9.2: pytest-xdist#1386.
INSTALLED = (
    "test_ci.py",
    "test_demo.py",
    "test_life.py",
    "test_load.py",
    "test_readme.py",
    "test_serving.py",
)
S3 = (
    *("test_store_s3.py", "test_store_mlflow_s3.py", "test_cli_artifacts.py"),
    *("test_payload_log_s3.py", "test_batch_s3.py"),
)
GROUPS = dict.fromkeys(INSTALLED, "installed") | dict.fromkeys(S3, "s3")
# Tests without processes come first, then the longest groups, which would hold up the end of a run.
FOLDERS = ("core", "load", "web", "cli")
LONG_FOLDERS = ("recipes",)
# Measured, these take twice as long, and cover at most a few more lines than the others.
UNMEASURED = (
    *("test_fidelity.py", "test_fuzz.py", "test_fast_path_zoo.py"),
    *("test_memory.py", "test_public_names.py", "test_web_schemathesis.py", "test_truth.py"),
    *("test_template.py", "test_refused_answers.py", "test_locks.py", "test_deploy.py"),
)


class Groups(LoadScopeScheduling):
    """Hands the tests of a file, or of a group of files, to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        folder, _, file = nodeid.partition("::")[0].rpartition("/")
        # One browser, and one service before it.
        return "browser" if folder.endswith("browser") else GROUPS.get(file, f"{folder}/{file}")


def pytest_xdist_auto_num_workers() -> int:
    """Use one process more than there are cores: many tests wait for servers."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Return xdist the scheduler that keeps these groups together."""
    return Groups(config, log)


def order(item: pytest.Item) -> tuple[bool, bool]:
    """Place a test in the run: without processes, with the installed project, others."""
    folder, is_installed = item.path.parent.name, item.path.name in INSTALLED
    return folder not in FOLDERS, not is_installed and folder not in LONG_FOLDERS


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Reject tests that would install a project again; mark unmeasured tests; sort."""
    items.sort(key=order)
    for item in items:
        if "installed" in getattr(item, "fixturenames", ()) and item.path.name not in INSTALLED:
            raise pytest.UsageError(f"add {item.path.name} to INSTALLED in conftest.py")
        if item.path.name in UNMEASURED:
            item.add_marker("no_cover")


@pytest.fixture(autouse=True)
def _no_request_is_left() -> Iterator[None]:
    """End the request of a test that has not closed its response, such as a stream's."""
    yield
    if context := sys.modules.get("mmf_core.web.request_context"):
        context.set_context(None)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Return the folder into which `bake` puts projects."""
    return tmp_path / "output"


@pytest.fixture
def bake(output: Path) -> Callable[..., Path]:
    """Return a function that makes a project with the answers that it is called with."""
    return lambda **answers: make_project(output, answers)


def once(tmp_path_factory: pytest.TempPathFactory, name: str, answers: dict[str, str]) -> Path:
    """Make a project once for all processes of a test run."""
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent
    with (folder / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        made = list(folder.glob(f"{name}/output/*"))
        return made[0] if made else make_project(folder / name / "output", answers)


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the default project. It is shared: do not change it."""
    return once(tmp_path_factory, "default", {})


@pytest.fixture(scope="session")
def other(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project of `baking.OTHER`. It is shared: do not change it."""
    return once(tmp_path_factory, "other", OTHER)


@pytest.fixture
def choose(baked: Path, other: Path, bake: Callable[..., Path]) -> Callable[..., Path]:
    """Return a function that finds a project with this choice, or makes it: do not change it."""

    def find(**choice: str) -> Path:
        ((question, answer),) = choice.items()
        made = {QUESTIONS[question][0]: baked, OTHER[question]: other}
        return made.get(answer) or bake(**choice)

    return find


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, baked: Path) -> Project:
    """Return the default project with its own environment and its model, as a user has it."""
    folder = tmp_path_factory.mktemp("installed") / baked.name
    project = Project(shutil.copytree(baked, folder))
    project.run("make", "install")
    project.run("make", "train")
    return project
