"""The files of CI: read by the programs that know them, and their steps run as a script."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from baking import ROOT
from commands import Project, free_port, make_environment

PINS = ROOT / "tests" / "linters" / "requirements.txt"
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


@pytest.mark.long
def test_steps_succeed(installed: Project) -> None:
    port = str(free_port())
    for step in steps(installed.folder):
        script = re.sub(r"\b8000\b", port, step)
        installed.run(*BASH, script, PORT=port, WEB_HOST="127.0.0.1", LOAD_P95_MS="5000")
