"""cruft itself reads the record of a project: its check, diff and update work, in a real one."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from baking import ROOT
from commands import LONGEST_COMMAND, make_environment
from template_repository import PAYLOAD, commit, copy_template, git

Cruft = Callable[..., str]


@pytest.fixture(scope="module")
def programs() -> Path:
    """Give the folder of cruft and of its cookiecutter, in an environment of their own."""
    return make_environment("cruft", ROOT / "tests" / "cruft" / "requirements.txt")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the template in a repository of its own."""
    folder = copy_template(tmp_path_factory.mktemp("template") / "mmf-flask")
    commit(folder, "old")
    return folder


@pytest.fixture
def project(template: Path, programs: Path, tmp_path: Path) -> Path:
    """Give a project, committed, that the same cookiecutter has made."""
    config = tmp_path / "config.yaml"
    folders = {name: str(tmp_path / name) for name in ("cookiecutters_dir", "replay_dir")}
    config.write_text(json.dumps(folders), encoding="utf-8")
    options = ("--no-input", "--config-file", str(config), "--output-dir", str(tmp_path))
    answers = ("project_slug=wines", "extras=core")
    command = [programs / "cookiecutter", *options, str(template), *answers]
    subprocess.run(command, check=True, timeout=LONGEST_COMMAND)
    folder = tmp_path / "wines"
    if git(folder, "status", "--porcelain"):  # git has no name for an author
        commit(folder, "new project")
    return folder


@pytest.fixture
def cruft(project: Path, programs: Path, tmp_path: Path) -> Cruft:
    """Give a function that runs cruft in the project, as a user with a home of his own."""

    def run(*arguments: str, code: int = 0) -> str:
        done = subprocess.run(
            [programs / "cruft", *arguments],
            cwd=project,
            env={**os.environ, "HOME": str(tmp_path), "GIT_CONFIG_NOSYSTEM": "1"},
            capture_output=True,
            text=True,
            timeout=LONGEST_COMMAND,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


@pytest.mark.long
def test_cruft_checks_shows_and_takes_a_change(cruft: Cruft, project: Path, template: Path) -> None:
    assert "up to date" in cruft("check")
    assert cruft("diff", "--exit-code") == ""
    dockerignore = template / PAYLOAD / ".dockerignore"
    dockerignore.write_text("new-template\n" + dockerignore.read_text(encoding="utf-8"), "utf-8")
    commit(template, "new")
    cruft("check", code=1)
    cruft("update", "--skip-apply-ask")
    assert (project / ".dockerignore").read_text(encoding="utf-8").startswith("new-template\n")
    assert list(project.rglob("*.rej")) == []
    record = json.loads((project / ".cruft.json").read_text(encoding="utf-8"))
    assert record["commit"] == git(template, "rev-parse", "HEAD").strip()
