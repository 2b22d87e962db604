"""The template's versions, and projects that are generated from them."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ..extras import repository_of, version_in, version_of
from .git import git, names
from .record import CORE, Record, UpgradeError, Version, checksums, parse_version, read_record

HOOKS = "hooks"
_QUESTIONS = "cookiecutter.json"
_LOCKS = "templates/locks/"
_COMMIT = re.compile(r"[0-9a-fA-F]{4,40}")
_INIT = f"/{CORE}/__init__.py"


@dataclass(frozen=True, slots=True, eq=False)
class Payload:
    """What projects are generated from at a commit: git's names of the contents, by their paths."""

    commit: str
    files: Mapping[str, str]
    locks: Sequence[str]


class Template:
    """A clone of the template's repository in `folder`, from a URL, a folder or a bundle."""

    def __init__(self, source: str, folder: Path) -> None:
        address = repository_of(source)
        local = Path(address).expanduser()
        self._folder = folder
        self._version_by_blob: dict[str, str] = {}
        try:
            git(
                folder.parent,
                *("clone", "--quiet", "--no-checkout", "--config", "core.autocrlf=false", "--"),
                str(local.resolve()) if local.exists() else address,
                str(folder),
            )
        except UpgradeError as error:
            raise UpgradeError(
                f"{error}\nIf the template is somewhere else: --from-template PATH|URL"
            ) from error

    def versions(self) -> dict[Version, str]:
        """Return the tags that are versions, the newest last."""
        tags = git(self._folder, "tag", "--list").split()
        versions = {version: tag for tag in tags if (version := parse_version(tag))}
        return dict(sorted(versions.items()))

    def newest(self) -> Version:
        """Return the newest version; UpgradeError if the template has none."""
        *_, newest = [None, *self.versions()]
        if newest is None:
            raise UpgradeError(
                "the template has no tag that is a version, such as v0.3.0, so the newest version "
                "is unknown: upgrade with --to BRANCH or --to COMMIT"
            )
        return newest

    def commit_of(self, revision: str) -> str:
        """Return the commit of a version, a tag, a commit or a branch, in this order; else nothing.

        A branch is the repository's, as it is now, and never hides a tag or a commit.
        """
        tag = self._tag(revision) or revision
        return (
            self._resolve(f"refs/tags/{tag}")
            or self._abbreviated(revision)
            or self._resolve(f"refs/remotes/origin/{revision}")
            or self._resolve(revision)  # such as HEAD or main~3
        )

    def require_commit(self, revision: str) -> str:
        """Return the commit of a revision; UpgradeError, with all versions, if it is unknown."""
        if commit := self.commit_of(revision):
            return commit
        versions = ", ".join(self.versions().values()) or "none"
        raise UpgradeError(
            f"the template has no version or commit {revision!r}; versions: {versions}. "
            f"--from-template names another repository"
        )

    def tagged_commits(self) -> set[str]:
        """Return the commits that are versions."""
        return {self.commit_of(tag) for tag in self.versions().values()}

    def payloads(self) -> Iterator[Payload]:
        """Yield the payload of each commit, the newest first."""
        for commit in git(self._folder, "rev-list", "--all").split():
            yield self.payload_of(commit)

    def payload_of(self, commit: str) -> Payload:
        """Return what projects are generated from at a commit."""
        blobs = {}
        for line in names(git(self._folder, "ls-tree", "-r", "-z", commit)):
            head, _, path = line.partition("\t")
            blobs[path] = head.split()[2]
        folder = next((path.removesuffix(_INIT) for path in blobs if _is_init(path)), "")
        files = {
            path.removeprefix(f"{folder}/"): blob
            for path, blob in blobs.items()
            if folder and path.startswith(f"{folder}/")
        }
        return Payload(commit, files, [blobs[path] for path in blobs if path.startswith(_LOCKS)])

    def version_of(self, payload: Payload) -> str:
        """Return the version of a payload; empty if it has none."""
        blob = payload.files.get(_INIT.removeprefix("/"), "")
        if blob not in self._version_by_blob:
            text = self.contents(blob).decode(errors="replace") if blob else ""
            self._version_by_blob[blob] = version_in(text)
        return self._version_by_blob[blob]

    def questions_of(self, commit: str) -> Mapping[str, Any]:
        """Return the questions at a commit."""
        questions: Mapping[str, Any] = json.loads(
            git(self._folder, "show", f"{commit}:{_QUESTIONS}")
        )
        return questions

    def contents(self, blob: str) -> bytes:
        """Return a file of the repository by git's name of its contents."""
        return git(self._folder, "cat-file", "blob", blob).encode(errors="surrogateescape")

    def contains(self, newer: str, older: str) -> bool:
        """Return whether `older` is the commit `newer`, or one of its ancestors."""
        return git(self._folder, "rev-list", "--count", f"{newer}..{older}").strip() == "0"

    def check_out(self, commit: str, folder: Path) -> None:
        """Write the template as it was at a commit into a new folder."""
        git(self._folder, "worktree", "add", "--quiet", "--detach", str(folder), commit)

    def changed_hooks(self, old: str, new: str) -> str:
        """Return the difference between the hooks of two commits; `old` may be empty: to none."""
        before = old or git(self._folder, "hash-object", "-t", "tree", "/dev/null").strip()
        plain = ("--text", "--no-ext-diff", "--no-textconv", "--no-color")
        return git(self._folder, "diff", *plain, before, new, "--", HOOKS)

    def _resolve(self, revision: str) -> str:
        arguments = ("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        return git(self._folder, *arguments, may_fail=True).strip()

    def _abbreviated(self, revision: str) -> str:
        """Return the only commit whose name begins like this; else nothing."""
        if not _COMMIT.fullmatch(revision):
            return ""
        objects = git(self._folder, "rev-parse", f"--disambiguate={revision}").split()
        commits = [name for name in objects if self._resolve(name) == name]
        return commits[0] if len(commits) == 1 else ""

    def _tag(self, revision: str) -> str:
        version = parse_version(revision)
        return self.versions().get(version, "") if version else ""


def generate(template: Path, answers: Mapping[str, str], folder: Path) -> tuple[Path, Record]:
    """Generate a project from a template that is checked out; return it, with its record.

    Questions that the answers leave open, or answer by a choice that no longer exists, have their
    defaults. UpgradeError if cookiecutter fails.
    """
    questions = json.loads((template / _QUESTIONS).read_text(encoding="utf-8"))
    obsolete = {name for name, _ in obsolete_answers(questions, answers)}
    folder.mkdir()
    config = folder.with_suffix(".yaml")
    config.write_text(
        json.dumps({"cookiecutters_dir": str(folder), "replay_dir": str(folder / "replay")}),
        encoding="utf-8",
    )
    arguments = [
        f"{name}={text if isinstance(questions[name], list) else _literal(text)}"
        for name, text in answers.items()
        if name not in obsolete
    ]
    options = ("--no-input", "--output-dir", str(folder / "made"), "--config-file", str(config))
    done = subprocess.run(
        [*find_cookiecutter(), *options, str(template), *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise UpgradeError(f"cookiecutter failed: {(done.stderr or done.stdout).strip()}")
    (project,) = (folder / "made").iterdir()
    shutil.rmtree(project / ".git", ignore_errors=True)
    return project, _record_of(project, answers)


def find_cookiecutter() -> list[str]:
    """Return the command that runs cookiecutter; UpgradeError if it is missing."""
    if find_spec("cookiecutter"):
        return [sys.executable, "-m", "cookiecutter"]
    if program := shutil.which("cookiecutter"):
        return [program]
    if program := shutil.which("uvx"):
        return [program, "cookiecutter"]
    raise UpgradeError(
        "cookiecutter is missing: install it, such as by `pipx install cookiecutter`"
    )


def obsolete_answers(
    questions: Mapping[str, Any], answers: Mapping[str, str]
) -> Iterator[tuple[str, str]]:
    """Yield the answers that these questions have no place for, each with the reason."""
    for name, text in answers.items():
        match questions.get(name):
            case None:
                yield name, "this version does not ask for it"
            case [default, *_] as choices if text not in choices:
                yield name, f"{text!r} is not a choice any more, {default!r} is used instead"


def _record_of(project: Path, answers: Mapping[str, str]) -> Record:
    """Return the record of a new project; that of a version that wrote none is made here."""
    try:
        return read_record(project)
    except UpgradeError:
        return Record("", version_of(project / CORE), "", answers, checksums(project))


def _is_init(path: str) -> bool:
    return path.endswith(_INIT) and path.count("/") == _INIT.count("/")


def _literal(text: str) -> str:
    """Write an answer so that cookiecutter, which renders what it gets, has it as it is."""
    return f"{'{' * 2}{json.dumps(text, ensure_ascii=False)}{'}' * 2}"
