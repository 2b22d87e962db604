"""A project without a sample: no wines, and `mmfmeta init` writes main.py."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import joblib
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from baking import make_project
from commands import OURS, free_port, post_json, stop, wait_until_ready
from test_model_choices import FILES, OTHERS
from test_template import check_parses, files_of, read

Bake = Callable[..., Path]

SAMPLE = {"train.py", "tests/test_wine.py"}
ROWS = pd.DataFrame({"area": [30.0, 60.0, 90.0], "rooms": [1.0, 2.0, 4.0]})


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the project without a sample. It is shared: do not change it."""
    answers = {"sample": "none", "project_name": "Houses", "description": "Predicts prices"}
    return make_project(tmp_path_factory.mktemp("empty") / "output", answers)


def environment() -> dict[str, str]:
    environment = {name: text for name, text in os.environ.items() if not name.startswith(OURS)}
    return environment | {"no_proxy": "*", "WEB_CONCURRENCY": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def run(project: Path, *command: str, code: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def test_only_sample_files_are_absent(empty: Path, baked: Path) -> None:
    assert files_of(baked).keys() - files_of(empty).keys() == SAMPLE
    assert files_of(empty).keys() < files_of(baked).keys()
    check_parses(empty)


def test_no_mention_of_wines(empty: Path) -> None:
    mention = re.compile(r"(?i)wine|cultivar|alcohol|/score\b|/explain|/colour")
    own = {name: path for name, path in files_of(empty).items() if not name.startswith("mmf_core/")}
    assert [name for name, path in own.items() if mention.search(read(path))] == []


@pytest.mark.parametrize(
    "choice", ["joblib", *(pytest.param(name, marks=pytest.mark.long) for name in OTHERS)]
)
def test_commented_target_is_valid(bake: Bake, choice: str) -> None:
    main = (bake(sample="none", model_format=choice) / "main.py").read_text()
    code = re.sub(r"(?m)^# ?", "", main)
    names = compile(code, "main.py", "exec").co_names
    assert {"mmf", "model", "predict"} <= set(names)
    assert f'artifact("{FILES[choice]}")' in code


@pytest.mark.parametrize(
    "command",
    [
        ("ruff", "check"),
        ("ruff", "format", "--check"),
        pytest.param(("mypy",), marks=pytest.mark.long),
    ],
)
def test_lint_passes(empty: Path, command: tuple[str, ...]) -> None:
    run(empty, *command, *(["--no-cache", "."] if command[0] == "ruff" else []))


@pytest.mark.long
def test_model_from_another_folder_is_served_and_tested(empty: Path, tmp_path: Path) -> None:
    project = Path(shutil.copytree(empty, tmp_path / "project"))
    model = Ridge().fit(ROWS, [3.0, 6.0, 9.0])
    (tmp_path / "elsewhere").mkdir()
    joblib.dump(model, tmp_path / "elsewhere" / "houses.joblib")

    assert "main declares no target" in run(project, "pytest", "-q", code=1)
    run(project, "mmf_core", "init", "../elsewhere/houses.joblib")
    assert " passed" in run(project, "pytest", "-q")
    for command in (("ruff", "check"), ("ruff", "format", "--check")):
        run(project, *command, "--no-cache", ".")

    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "app:app"],
        cwd=project,
        env=environment() | {"PORT": str(port), "WEB_HOST": "127.0.0.1"},
        start_new_session=True,
    )
    try:
        wait_until_ready(server, f"http://127.0.0.1:{port}/health/ready")
        predictions = post_json(f"http://127.0.0.1:{port}/predict", ROWS.to_dict("records"))
    finally:
        stop(server)
    assert [row["prediction"] for row in predictions] == pytest.approx(model.predict(ROWS))


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_project_is_a_git_repository(
    bake: Bake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = tmp_path / "hooks" / "pre-commit"
    hook.parent.mkdir()
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    config = tmp_path / "config"
    config.write_text(
        f"[user]\nname = A\nemail = a@example.com\n[commit]\ngpgSign = true\n"
        f"[core]\nhooksPath = {hook.parent}\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))  # as in a git hook
    project = bake()
    monkeypatch.delenv("GIT_DIR")
    assert git(project, "branch", "--show-current") == "main\n"
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "--format=%an %s") == "A A new project\n"
    assert set(git(project, "ls-files").split()) == files_of(project).keys()


def test_nothing_is_committed_without_a_git_identity(
    bake: Bake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "config").write_text("[user]\nuseConfigOnly = true\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.delenv(f"GIT_{name}_EMAIL", raising=False)
        monkeypatch.delenv(f"GIT_{name}_NAME", raising=False)
    monkeypatch.delenv("EMAIL", raising=False)
    status = git(bake(), "status", "--porcelain")
    assert status
    assert {line[:2] for line in status.splitlines()} == {"A "}


def test_no_nested_repository_is_created(bake: Bake, output: Path) -> None:
    output.mkdir()
    git(output, "init")
    assert not (bake() / ".git").exists()


def test_project_is_created_without_git(
    bake: Bake, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("python", "python3"):
        (programs / name).symlink_to(sys.executable)
    monkeypatch.setenv("PATH", str(programs))
    project = bake()
    assert (project / "main.py").is_file()
    assert not (project / ".git").exists()
