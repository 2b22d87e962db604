"""A merge is reported, written into the project and staged: git can undo all of it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import click

from .git import git, names
from .merging import Merge
from .record import CORE, Record, UpgradeError, files_of

CONFLICTS, TESTS_FAILED = 1, 3
"""Exit codes. 2 is that of a command that was refused or has failed."""
_UNDO = "git reset --hard"
_UNDO_PART = f"{_UNDO} && git clean -fd"  # also what is not staged yet
_TEST = ("make", "test")


def require_clean(project: Path) -> None:
    """UpgradeError if git could not stage a merge, or undoing it would lose something."""
    if not git(project, "rev-parse", "--is-inside-work-tree", may_fail=True):
        raise UpgradeError(
            "expected a git repository, so that changes can be undone: git init && git add . && "
            'git commit -m "before the upgrade"'
        )
    lock = project / git(project, "rev-parse", "--git-path", "index.lock").strip()
    if lock.exists():
        raise UpgradeError(
            f"{lock} exists: wait until the git command that holds it has ended; if it was killed, "
            f"remove the file"
        )
    changed = names(git(project, "status", "--porcelain", "--untracked-files=normal", "-z"))
    if changed:
        raise UpgradeError(
            f"expected a clean git tree, got {len(changed)} changed files, such as "
            f"{changed[0][3:]}: commit them, or git stash --include-untracked; if they are of an "
            f"upgrade that was interrupted: {_UNDO_PART}"
        )


def require_tracked(project: Path, merge: Merge, *, with_core: bool) -> None:
    """UpgradeError if a file would be replaced that git could not bring back."""
    tracked = set(names(git(project, "ls-files", "-z")))
    core = (f"{CORE}/{path}" for path in files_of(project / CORE)) if with_core else ()
    for path in core:
        if path not in tracked:
            raise UpgradeError(
                f"{path} would be replaced, and git ignores it, so that nothing could undo that; "
                f'commit it: git add --force {CORE} && git commit -m "before the upgrade"'
            )
    for path in merge.written:
        if path not in tracked and (project / path).exists():
            raise UpgradeError(
                f"{path}: the new version has this file, and git ignores yours; move it away, or "
                f"commit it: git add --force {path}"
            )


def require_same(record: Record, made: Record) -> None:
    """UpgradeError if the template does not make what the project began with."""
    other = [name for name, value in record.sums.items() if made.sums.get(name) != value]
    if other:
        raise UpgradeError(
            f"{record.version} of this template does not make what this project began with: "
            f"{', '.join(other[:5])} differ. Is it the same template? --from-template names another"
        )


def report(merge: Merge, core: str = "", folders: Iterable[str] = ()) -> None:
    """Report what becomes of each file; of added or deleted `folders` in one line.

    `core` is what becomes of mmf_core as a whole.
    """
    if core:
        click.echo(f"{core:10}{CORE}")
    for name in ("updated", "merged", "added", "deleted", "conflicts", "kept"):
        is_whole = name in {"added", "deleted"}
        for path in dict.fromkeys(
            _shortened(path, folders) if is_whole else path for path in getattr(merge, name)
        ):
            click.echo(f"{name:10}{path}")


def apply(merge: Merge, project: Path) -> None:
    """Write a merge into the project, and stage it."""
    click.echo(f"Changing the files. If this is interrupted: {_UNDO_PART}")
    for path in merge.written:
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((merge.folder / path).read_bytes())
        target.chmod((merge.folder / path).stat().st_mode & 0o777)
    for path in merge.deleted:
        (project / path).unlink()
        _remove_empty(project, Path(path).parent)
    if changed := [*merge.written, *merge.deleted]:
        git(project, "add", "--all", "--force", "--", *changed)


def finish(merge: Merge, *, tests: bool = False) -> int:
    """Run the project's tests, unless there are conflicts; say what to do; return the exit code."""
    code = conflict_code(merge)
    if merge.conflicts:
        click.echo("\nEdit what is between <<<<<<< and >>>>>>>, and run `make test`.")
    elif tests and subprocess.run(_TEST, check=False).returncode:
        code = TESTS_FAILED
        click.echo("\n`make test` failed after the upgrade; its output is above.")
    click.echo(f"\nRead it: git diff --cached. Keep it: git commit. Undo it: {_UNDO}")
    return code


def conflict_code(merge: Merge) -> int:
    """Return the exit code of a merge that was only reported."""
    return CONFLICTS if merge.conflicts else 0


def _shortened(path: str, folders: Iterable[str]) -> str:
    return next((folder for folder in folders if path.startswith(f"{folder}/")), path)


def _remove_empty(project: Path, folder: Path) -> None:
    """Remove a folder that has nothing but Python's caches, and those that it was alone in."""
    for part in (folder, *folder.parents[:-1]):
        place = project / part
        if place.is_symlink() or any(entry.name != "__pycache__" for entry in place.iterdir()):
            return
        shutil.rmtree(place)
