"""Three trees become one: the project as it was generated, as it is, and as it would be now.

git merges them in a scratch repository, so that renamed files and conflicts are what everybody
knows. What is the project's alone is left out of the template's side.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatch
from pathlib import Path

from .core_copy import files_of_removed_extras
from .git import git, names
from .record import CRUFT, NAME, UpgradeError, files_of, is_core
from .requirements import merge_requirements

MAIN = "main.py"
REQUIREMENTS = ("requirements*.in", "requirements*.txt")
_MOST = 1 << 20  # bytes of a file that may be one of the template's under another name
_SIDE = "template"


@dataclass(slots=True)
class Merge:
    """What a merge changes, by the paths of files."""

    folder: Path
    """Where the merged files are."""
    updated: list[str] = field(default_factory=list)
    """Replaced: the project had not changed them."""
    merged: list[str] = field(default_factory=list)
    added: list[str] = field(default_factory=list)
    deleted: list[str] = field(default_factory=list)
    conflicts: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    """Requirements that both sides have changed."""

    @property
    def written(self) -> list[str]:
        """The files to be copied into the project."""
        return sorted({*self.updated, *self.merged, *self.added, *self.conflicts})


def merge_trees(
    old: Path, mine: Path, new: Path, scratch: Path, *, with_core: bool = False
) -> Merge:
    """Merge what the template has changed from `old` to `new` into the project `mine`.

    `scratch` is a new folder. mmf_core is left out, unless it is to be merged, too: then extras
    that the project has removed stay removed. main.py is the project's if it has changed it, a
    deleted file stays deleted, and requirements are merged by package.
    """
    scratch.mkdir()
    git(scratch, "init", "--quiet")
    git(scratch, "config", "user.name", "mmfmeta")
    git(scratch, "config", "user.email", "mmfmeta@localhost")
    generated = set(_files(old, with_core=with_core))
    offered = set(_files(new, with_core=with_core)) - files_of_removed_extras(old, mine, new)
    owned = {
        path
        for path in names(git(mine, "ls-files", "-z"))
        if _is_merged(path, with_core=with_core)
        and (mine / path).is_file()
        and (path in generated | offered or (mine / path).stat().st_size <= _MOST)
    }
    first = _commit(scratch, {path: old / path for path in generated}, "as it was generated")
    own = _commit(scratch, {path: mine / path for path in owned}, "as it is")
    merge = Merge(scratch)
    texts = {}
    theirs = {path: new / path for path in offered}
    for path in _only_mine(scratch, first, own, generated, owned):
        theirs[path] = old / path
    for path in filter(_is_requirements, generated & owned & offered):
        theirs[path] = old / path
        texts[path], kept = merge_requirements(
            *((side / path).read_text(encoding="utf-8") for side in (old, mine, new))
        )
        merge.kept += [f"{path}: {line}" for line in kept]
    git(scratch, "checkout", "--quiet", "-b", _SIDE, first)
    _commit(scratch, theirs, "as it would be generated now")
    git(scratch, "checkout", "--quiet", own)
    git(scratch, "merge", "--quiet", "--no-commit", "--no-ff", _SIDE, may_fail=True)
    if not git(scratch, "rev-parse", "--verify", "--quiet", "MERGE_HEAD", may_fail=True):
        raise UpgradeError("git cannot merge; see merge.* in `git config --list`")
    merge.conflicts = names(git(scratch, "diff", "--name-only", "--diff-filter=U", "-z"))
    for path, text in texts.items():
        (scratch / path).write_text(text, encoding="utf-8")
    git(scratch, "add", "--all")
    changed = names(git(scratch, "diff", "--name-only", "-z", first, own))
    _sort_changes(merge, own, changed=set(changed))
    return merge


def _sort_changes(merge: Merge, own: str, *, changed: set[str]) -> None:
    """List what the merge has changed; `changed` are the files that the project had changed."""
    listing = names(
        git(merge.folder, "diff", "--cached", "--no-renames", "--name-status", "-z", own)
    )
    for status, path in zip(listing[::2], listing[1::2], strict=True):
        if path in merge.conflicts:
            continue
        match status:
            case "A":
                merge.added.append(path)
            case "D":
                merge.deleted.append(path)
            case _:
                (merge.merged if path in changed else merge.updated).append(path)


def _only_mine(
    scratch: Path, first: str, own: str, generated: set[str], owned: set[str]
) -> Iterable[str]:
    """Yield the generated files that are the project's: deleted ones, and a changed main.py."""
    renamed = names(
        git(scratch, "diff", "--name-status", "--find-renames", "--diff-filter=R", "-z", first, own)
    )
    yield from generated - owned - set(renamed[1::3])
    changed = names(git(scratch, "diff", "--name-only", "-z", first, own))
    if MAIN in generated and MAIN in changed:
        yield MAIN


def _commit(scratch: Path, files: dict[str, Path], message: str) -> str:
    """Commit these files, and no others."""
    for entry in scratch.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for path, source in files.items():
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    git(scratch, "add", "--all", "--force")
    git(scratch, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(scratch, "rev-parse", "HEAD").strip()


def _files(folder: Path, *, with_core: bool) -> Iterable[str]:
    return (path for path in files_of(folder) if _is_merged(path, with_core=with_core))


def _is_merged(path: str, *, with_core: bool) -> bool:
    return path not in {NAME, CRUFT} and (with_core or not is_core(path))


def _is_requirements(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in REQUIREMENTS)
