"""Fixtures that make projects of the template, and one that is installed and has its model."""

import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import settings
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from baking import ROOT, make_project
from running import Project

# cookiecutter copies whatever lies in the payload, so what is imported there must leave no caches.
sys.dont_write_bytecode = False
sys.pycache_prefix = os.environ["PYTHONPYCACHEPREFIX"] = str(ROOT / ".cache" / "pycache")

# Nobody has to see that a test's service is not ready any more before it ends.
os.environ.setdefault("MMF_DRAIN_SECONDS", "0")

# Fewer than hypothesis' hundred: all tests together must take less than a quarter of an hour.
settings.register_profile("default", max_examples=40, deadline=None)
settings.load_profile("default")
# For `make fuzz`: other examples each time; one that takes so long is a fault, too.
settings.register_profile(
    "fuzz", max_examples=1_000, deadline=timedelta(seconds=20), database=None, print_blob=True
)

# Tests of one group share a worker: what they use takes long to make, and is made once.
# xdist's own way to say so, `--dist=loadgroup`, groups nothing under pytest 9.2: pytest-xdist#1386.
INSTALLED = ("test_demo.py", "test_life.py", "test_load.py", "test_readme.py", "test_serving.py")
S3 = ("test_store_s3.py", "test_store_mlflow_s3.py", "test_cli_artifacts.py")
ALONE = (
    *("test_formats_over_http.py", "test_memory.py", "test_mlflow_parity.py"),
    "test_model_choices.py",
    *("test_v2_clients.py", "test_docs_formats.py", "test_docs_v2.py", "test_client.py"),
    *("test_server_metrics.py", "test_server_dashboards.py", "test_faults.py"),
)
# One test of these takes most of a minute: begun last, it would be waited for.
SLOW = (
    *("test_to_mlflow.py", "test_seed_mlflow.py", "test_example_dvc.py"),
    *("test_web_schemathesis.py", "test_estimators_zoo.py"),
)
# Measured, these take twice their time, and reach a few lines more than the others at most.
UNMEASURED = (
    *("test_fidelity.py", "test_fuzz.py", "test_estimators_zoo.py"),
    *("test_memory.py", "test_public_names.py", "test_web_schemathesis.py"),
    *("test_template.py", "test_refusals.py", "test_locks.py", "test_deploy.py"),
)
GROUPS = (
    dict.fromkeys(INSTALLED, "installed") | dict.fromkeys(S3, "s3") | {one: one for one in ALONE}
)


class Groups(LoadScopeScheduling):
    """Hands the tests of a group to one worker, and all others to whoever is free."""

    def _split_scope(self, nodeid: str) -> str:
        folder, _, file = nodeid.partition("::")[0].rpartition("/")
        # One browser, and one service before it.
        return "browser" if folder.endswith("browser") else GROUPS.get(file, nodeid)


def pytest_xdist_auto_num_workers() -> int:
    """Use one process more than there are cores: many tests wait for servers."""
    return (os.cpu_count() or 1) + 1


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Groups:
    """Tell xdist which test goes where."""
    return Groups(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse a test that would install a project again; mark what is not measured; put in order."""
    items.sort(key=lambda item: item.path.name not in SLOW)
    for item in items:
        if "installed" in getattr(item, "fixturenames", ()) and item.path.name not in INSTALLED:
            raise pytest.UsageError(f"add {item.path.name} to INSTALLED in conftest.py")
        if item.path.name in UNMEASURED:
            item.add_marker("no_cover")


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Give the folder into which `bake` puts projects."""
    return tmp_path / "output"


@pytest.fixture
def bake(output: Path) -> Callable[..., Path]:
    """Give a function that makes a project with the answers that it is called with."""
    return lambda **answers: make_project(output, answers)


@pytest.fixture(scope="session")
def baked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the default project. It is shared: look, do not change."""
    return make_project(tmp_path_factory.mktemp("default") / "output", {})


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """Give the default project with its own environment and its model, as a user has it."""
    project = Project(make_project(tmp_path_factory.mktemp("installed") / "output", {}))
    project.run("make", "install")
    project.run("make", "train")
    return project
