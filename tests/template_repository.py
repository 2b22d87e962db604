"""The template in a repository of its own, whose versions a test makes."""

import shutil
import subprocess
from pathlib import Path

from baking import ROOT

PAYLOAD = "{{cookiecutter.project_slug}}"


def git(folder: Path, *arguments: str) -> str:
    """Run git, for an author who is not this machine's, and return what it prints."""
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@localhost", *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout


def commit(folder: Path, message: str, tag: str = "") -> None:
    """Commit all changes."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", message)
    if tag:
        git(folder, "tag", tag)


def copy_template(folder: Path) -> Path:
    """Copy what cookiecutter reads into a new repository without commits."""
    folder.mkdir()
    _copy_files(folder, "cookiecutter.json", "hooks", "templates", PAYLOAD)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


def clone_template(folder: Path) -> Path:
    """Clone this repository, with the files of today as its newest commit."""
    git(ROOT, "clone", "--quiet", str(ROOT), str(folder))
    git(folder, "rm", "-r", "--quiet", ".")
    _copy_files(folder, "CHANGELOG.md", "cookiecutter.json", "hooks", "templates", PAYLOAD)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "today")
    return folder


def _copy_files(folder: Path, *names: str) -> None:
    for name in names:
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
