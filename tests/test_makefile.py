"""The project's Makefile: what each command changes and prints.

The programs of `.venv` are stand-ins for the real ones, which other tests run.
"""

import os
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from commands import Project
from long_parameters import long_except

Bake = Callable[..., Path]

OWN = b"the user's own"
ECHO = '#!/bin/sh\necho "{0} $*"\n'
REAL = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
# `pip compile` is uv's own; nothing is installed.
UV = f'#!/bin/sh\n[ "$2" = compile ] || exit 0\nexec "{sys.executable}" -m uv "$@"\n'
PYTHON = f'#!/bin/sh\ncase "$2" in venv|pip) exit 0;; esac\nexec "{sys.executable}" "$@"\n'


@pytest.fixture
def project(baked: Path, tmp_path: Path) -> Project:
    """Return a project that appears installed."""
    folder = Path(shutil.copytree(baked, tmp_path / baked.name))
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    scripts = {name: ECHO.format(name) for name in ("gunicorn", "pytest", "ruff", "mypy")}
    for name, script in (scripts | {"python": PYTHON, "uv": UV}).items():
        (programs / name).write_text(script)
        (programs / name).chmod(0o755)
    (folder / "loadtests" / "run.py").write_text('print("load")')
    (folder / ".venv" / "installed").touch()
    return Project(folder)


def make(project: Project, *arguments: str, code: int = 0, **extra: str) -> str:
    command = ("make", f"PYTHON={project.bin / 'python'}", *arguments)
    return project.ends_with(code, *command, **extra)


def replaced(project: Project, program: str, script: str) -> None:
    (project.bin / program).write_text(script)


@pytest.mark.parametrize(
    "command", long_except(["run", "test", "load", "load-steps", "model"], ["test", "model"])
)
@pytest.mark.parametrize("date", [0, 1_000_000_000, 4_000_000_000], ids=["cp -p", "mv", "touch"])
def test_user_model_is_not_overwritten(project: Project, command: str, date: int) -> None:
    model = project.folder / "model.joblib"
    model.write_bytes(OWN)
    os.utime(model, (date, date))
    make(project, command)
    assert (model.read_bytes(), model.stat().st_mtime) == (OWN, date)


def test_new_file_dates_do_not_trigger_training(project: Project) -> None:
    (project.folder / "model.joblib").write_bytes(OWN)
    for path in project.folder.rglob("*.py"):
        os.utime(path, (4_000_000_000, 4_000_000_000))
    make(project, "run")
    assert (project.folder / "model.joblib").read_bytes() == OWN


@pytest.mark.parametrize("name", ["house.joblib", "booster.txt", "net.pt"])
def test_renamed_model_needs_one_edit(project: Project, name: str) -> None:
    (project.folder / name).write_bytes(OWN)
    main = project.folder / "main.py"
    main.write_text(main.read_text().replace("model.joblib", name))
    before = {path.name for path in project.folder.iterdir()}
    for command in ("run", "test", "load"):
        make(project, command)
    assert {path.name for path in project.folder.iterdir()} == before
    assert (project.folder / name).read_bytes() == OWN


@pytest.mark.long
def test_missing_model_is_trained_and_old_one_backed_up(project: Project) -> None:
    model = project.folder / "model.joblib"
    assert "accuracy on 45 held-out wines" in make(project, "run")
    assert model.stat().st_size > 0
    model.write_bytes(OWN)
    assert "the old one is model.old-1.joblib" in make(project, "train")
    assert (project.folder / "model.old-1.joblib").read_bytes() == OWN
    assert model.read_bytes() != OWN


def test_run_prints_the_url(project: Project) -> None:
    (project.folder / "model.joblib").write_bytes(OWN)
    assert "http://127.0.0.1:8000/ " in make(project, "run")
    assert "http://127.0.0.1:9000/ " in make(project, "run", PORT="9000")


def test_tests_run_after_lint_errors(project: Project) -> None:
    (project.folder / "model.joblib").write_bytes(OWN)
    replaced(project, "ruff", "#!/bin/sh\nexit 1\n")
    printed = make(project, "test", code=2)
    assert "pytest --cov" in printed
    assert "make format" in printed
    replaced(project, "ruff", ECHO.format("ruff"))
    make(project, "test")
    replaced(project, "pytest", "#!/bin/sh\nexit 1\n")
    assert "mypy" in make(project, "test", code=2)


def wheel(folder: Path, name: str, version: str) -> None:
    """Write an empty package."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(
            f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        )
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")


def test_add_pins_new_packages_and_lock_upgrades_all(project: Project, tmp_path: Path) -> None:
    index = tmp_path / "index"
    index.mkdir()
    old, new = "mmf-test-old", "mmf-test-new"
    for name, version in ((old, "1.0"), (old, "2.0"), (new, "1.0"), (new, "2.0")):
        wheel(index, name.replace("-", "_"), version)
    environment = {"UV_OFFLINE": "1", "UV_FIND_LINKS": str(index)}
    folder = project.folder
    source, pins = folder / "requirements.in", folder / "requirements.txt"
    sources = f"# reasons\n{old}  # a reason"
    source.write_text(sources)  # no line break at its end
    pins.write_text(f"{old}==1.0\n")
    (folder / "requirements-dev.in").write_text("-r requirements.in\n-c requirements.txt\n")
    (folder / "requirements-dev.txt").write_text(f"{old}==1.0\n")

    make(project, "add", "PACKAGE=mmf-test-nowhere", code=2, **environment)
    assert (source.read_text(), pins.read_text()) == (sources, f"{old}==1.0\n")

    for _ in range(2):
        make(project, "add", f"PACKAGE={new}<2 {old}", **environment)
        assert source.read_text() == f"{sources}\n{new}<2\n"
        assert pins.read_text() == f"{new}==1.0\n{old}==1.0\n"
        assert (folder / "requirements-dev.txt").read_text() == pins.read_text()

    make(project, "lock", **environment)
    assert pins.read_text() == f"{new}==1.0\n{old}==2.0\n"
