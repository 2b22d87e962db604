"""The template's versions, and projects that are generated from them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from ..extras import repository_of
from .git import git
from .record import CORE, Record, UpgradeError, Version, checksums, parse_version, read_record

HOOKS = "hooks"
_QUESTIONS = "cookiecutter.json"


class Template:
    """A clone of the template's repository in `folder`, from a URL, a folder or a bundle."""

    def __init__(self, source: str, folder: Path) -> None:
        address = repository_of(source)
        local = Path(address).expanduser()
        self._folder = folder
        git(
            folder.parent,
            *("clone", "--quiet", "--no-checkout", "--"),
            str(local.resolve()) if local.exists() else address,
            str(folder),
        )

    def versions(self) -> dict[Version, str]:
        """Return the tags that are versions, the newest last."""
        tags = git(self._folder, "tag", "--list").split()
        versions = {version: tag for tag in tags if (version := parse_version(tag))}
        return dict(sorted(versions.items()))

    def newest(self) -> Version:
        """Return the newest version; UpgradeError if the template has none."""
        *_, newest = [None, *self.versions()]
        if newest is None:
            raise UpgradeError("the template has no tag that is a version, such as v0.3.0")
        return newest

    def commit_of(self, revision: str) -> str:
        """Return the commit of a version, a tag, a branch or a commit; empty if unknown."""
        for name in (self._tag(revision), f"origin/{revision}", revision):
            arguments = ("rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
            if name and (commit := git(self._folder, *arguments, may_fail=True).strip()):
                return commit
        return ""

    def contains(self, newer: str, older: str) -> bool:
        """Return whether `older` is the commit `newer`, or one of its ancestors."""
        return git(self._folder, "rev-list", "--count", f"{newer}..{older}").strip() == "0"

    def check_out(self, commit: str, folder: Path) -> None:
        """Write the template as it was at a commit into a new folder."""
        git(self._folder, "worktree", "add", "--quiet", "--detach", str(folder), commit)

    def changed_hooks(self, old: str, new: str) -> str:
        """Return the difference between the hooks of two commits."""
        return git(self._folder, "diff", old, new, "--", HOOKS)

    def _tag(self, revision: str) -> str:
        version = parse_version(revision)
        return self.versions().get(version, "") if version else ""


def generate(template: Path, answers: Mapping[str, str], folder: Path) -> tuple[Path, Record]:
    """Generate a project from a template that is checked out; return it, with its record.

    Questions that the answers leave open have their defaults. UpgradeError if cookiecutter fails.
    """
    questions = json.loads((template / _QUESTIONS).read_text(encoding="utf-8"))
    folder.mkdir()
    config = folder.with_suffix(".yaml")
    config.write_text(
        json.dumps({"cookiecutters_dir": str(folder), "replay_dir": str(folder / "replay")}),
        encoding="utf-8",
    )
    arguments = [
        f"{name}={text if isinstance(questions[name], list) else _literal(text)}"
        for name, text in answers.items()
        if name in questions
    ]
    options = ("--no-input", "--output-dir", str(folder / "made"), "--config-file", str(config))
    done = subprocess.run(
        [*_cookiecutter(), *options, str(template), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UpgradeError(f"cookiecutter failed: {(done.stderr or done.stdout).strip()}")
    (project,) = (folder / "made").iterdir()
    shutil.rmtree(project / ".git", ignore_errors=True)
    return project, _record_of(project, answers)


def _record_of(project: Path, answers: Mapping[str, str]) -> Record:
    """Return the record of a new project; that of a version that wrote none is made here."""
    try:
        return read_record(project)
    except UpgradeError:
        text = (project / CORE / "__init__.py").read_text(encoding="utf-8")
        match = re.search(r'^__version__ = "(.+)"$', text, re.MULTILINE)
        return Record("", match[1] if match else "", "", answers, checksums(project))


def _cookiecutter() -> list[str]:
    if find_spec("cookiecutter"):
        return [sys.executable, "-m", "cookiecutter"]
    if program := shutil.which("cookiecutter"):
        return [program]
    if program := shutil.which("uvx"):
        return [program, "cookiecutter"]
    raise UpgradeError(
        "cookiecutter is missing: install it, such as by `pipx install cookiecutter`"
    )


def _literal(text: str) -> str:
    """Write an answer so that cookiecutter, which renders what it gets, has it as it is."""
    return f"{'{' * 2}{json.dumps(text, ensure_ascii=False)}{'}' * 2}"
