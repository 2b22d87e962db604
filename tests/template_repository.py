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
    for name in ("cookiecutter.json", "hooks", "templates", PAYLOAD):
        source = ROOT / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored)
        else:
            shutil.copy(source, folder / name)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder
