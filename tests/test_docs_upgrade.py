"""The commands of docs/upgrade.md print what the page shows, in a project that is upgraded."""

import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from baking import ROOT
from mmf_core.extras import find_extras, remove_extras
from mmf_core.upgrading.record import CRUFT, NAME, read_record
from mmf_core.upgrading.template import generate
from template_repository import PAYLOAD as FOLDER
from template_repository import commit, copy_template, git
from test_readme import Block, blocks

PAGE = ROOT / "docs" / "upgrade.md"
OLD, NEW = "0.2.0", "0.3.0"
CHANGELOG = f"""
## [{NEW}] - 2027-01-01

### Removed

- `mmf.Old`: write `mmf.New`.
"""
SCRIPT = """
set -uo pipefail
make() {  # upgrade ARGS=…: the tests of the project are not run
    local ARGS=
    [ $# = 1 ] || ARGS="${2#ARGS=}"
    "$PYTHON" -m mmf_core upgrade --no-tests $ARGS
}
exec 2>&1
"""


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a repository of the template with the two versions of the page."""
    folder = copy_template(tmp_path_factory.mktemp("template") / "mmf-flask")
    payload = folder / FOLDER
    package = payload / "mmf_core"
    remove_extras(
        package, find_extras(package).keys() - {"cors", "init", "models/skops", "upgrading"}
    )
    init = package / "__init__.py"
    set_version(init, OLD)
    (payload / "Procfile").write_text("web: gunicorn app:app\n")
    commit(folder, "old", f"v{OLD}")
    set_version(init, NEW)
    (folder / "CHANGELOG.md").write_text(CHANGELOG)
    (payload / "Procfile").write_text("web: gunicorn --preload app:app\n")
    for name, line in {
        "gunicorn.conf.py": '"""Settings.\n',
        ".dockerignore": "# new\n",
        "requirements.in": "# new\nnew-package\n",
        "app.json": "\n",
    }.items():
        text = (payload / name).read_text(encoding="utf-8")
        (payload / name).write_text(line + text.removeprefix('"""'), encoding="utf-8")
    commit(folder, "new", f"v{NEW}")
    return folder


@pytest.fixture
def project(template: Path, tmp_path: Path) -> Path:
    """Give a project of the older version, with the changes of the page."""
    git(template, "checkout", "--quiet", f"v{OLD}")
    folder, _ = generate(template, {"project_slug": "wines"}, tmp_path / "project")
    git(template, "checkout", "--quiet", "main")
    for name, line in {"gunicorn.conf.py": "keepalive = 7\n", "requirements.in": "mine\n"}.items():
        with (folder / name).open("a", encoding="utf-8") as file:
            file.write(line)
    (folder / "Procfile").write_text("web: gunicorn --workers 3 app:app\n")
    (folder / "app.json").unlink()
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "mine")
    programs = folder / ".venv" / "bin"  # which git ignores
    programs.mkdir(parents=True)
    (programs / "python").write_text('#!/bin/sh\nexec "$PYTHON" "$@"\n')
    (programs / "python").chmod(0o755)
    return folder


def set_version(init: Path, version: str) -> None:
    text = re.sub(
        r'^__version__ = ".+"$', f'__version__ = "{version}"', init.read_text(), flags=re.M
    )
    init.write_text(text)


def run(block: Block, folder: Path, stdin: int = subprocess.DEVNULL, **environment: str) -> str:
    """Run a block in a project, and return what it prints."""
    done = subprocess.run(
        ["bash", "-c", SCRIPT + block.text],
        cwd=folder,
        env={**os.environ, "PYTHON": sys.executable, **environment},
        stdin=stdin,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
        timeout=300,
    )
    return done.stdout


def test_every_command_prints_what_the_page_shows(project: Path) -> None:
    usual, *rest = list(blocks(PAGE, "bash", "text"))[:-3]
    identity = {
        f"GIT_{role}_{part}": "a@localhost"
        for role in ("AUTHOR", "COMMITTER")
        for part in ("NAME", "EMAIL")
    }
    assert len(rest) == 6
    for command, printed in zip(rest[::2], rest[1::2], strict=True):
        pattern = re.escape(printed.text).replace("…", r"\w+")
        text = run(command, project)
        assert re.fullmatch(pattern, text), text
    assert read_record(project).version == OLD
    printed = run(usual, project, **identity)
    assert read_record(project).version == NEW
    assert printed.count(f"{OLD} → {NEW}") == 2
    assert "+web: gunicorn --preload app:app" in printed
    assert git(project, "log", "-1", "--format=%s").strip() == "the newest template"
    assert f"{OLD} is up to date" not in printed


def test_extras_are_removed_and_added_as_the_page_shows(project: Path) -> None:
    *_, command, printed = blocks(PAGE, "bash", "text")
    git(project, "config", "user.name", "a")
    git(project, "config", "user.email", "a@localhost")
    assert run(command, project) == printed.text


def test_upgrade_is_undone_that_was_killed_while_git_wrote(project: Path) -> None:
    text = " ".join(PAGE.read_text(encoding="utf-8").split())
    undo = re.search(r"`(git reset --hard && git clean -fd)`", text)
    remove = re.search(r"`(rm [^`]+index\.lock[^`]*)`", text)
    assert undo
    assert remove
    (project / ".git" / "index.lock").touch()
    (project / "Procfile").write_text("half\n")
    (project / "new").touch()
    with pytest.raises(subprocess.CalledProcessError):
        subprocess.run(["bash", "-c", undo[1]], cwd=project, check=True)
    subprocess.run(["bash", "-c", f"{remove[1]} && {undo[1]}"], cwd=project, check=True)
    assert git(project, "status", "--porcelain") == ""


def test_project_without_a_record_is_upgraded_as_the_page_shows(
    template: Path, project: Path
) -> None:
    *_, command, _ = blocks(PAGE, "bash")
    for name in (NAME, CRUFT):
        (project / name).unlink(missing_ok=True)
    commit(project, "no record")
    (address,) = re.findall(r"https://\S+", command.text)
    instead = {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.{template}.insteadOf",
        "GIT_CONFIG_VALUE_0": address,
    }
    assert "Error: these hooks were not accepted" in run(command, project, **instead)
    assert git(project, "status", "--porcelain") == ""
    shutil.rmtree(project.parent / "mmf-flask")
    terminal, stdin = pty.openpty()
    try:
        os.write(terminal, b"y\n")
        printed = run(command, project, stdin, **instead)
    finally:
        os.close(terminal)
        os.close(stdin)
    assert f"{OLD}: the files are those of commit" in printed
    assert "project_slug: wines" in printed
    assert read_record(project).version == NEW
    assert (project / "gunicorn.conf.py").read_text().endswith("keepalive = 7\n")
