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
from .record import CRUFT, NAME, UpgradeError, files_of, hash_of, is_core
from .requirements import merge_requirements

MAIN = "main.py"
SAMPLE = ("train.py", "tests/test_wine.py")
"""Part of the sample, besides main.py."""
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
    """What both sides have changed: requirements, files that the template has removed, links."""

    @property
    def written(self) -> list[str]:
        """The files to be copied into the project."""
        return sorted({*self.updated, *self.merged, *self.added, *self.conflicts})


def merge_trees(
    old: Path, mine: Path, new: Path, scratch: Path, *, with_core: bool = False
) -> Merge:
    """Merge what the template has changed from `old` to `new` into the project `mine`.

    `scratch` is a new folder. mmf_core is left out, unless it is to be merged, too: then extras
    that the project has removed stay removed. main.py is the project's if it has changed it, and
    then no file of the sample is added; a deleted file stays deleted, requirements are merged by
    package, a file keeps its line ends, and nothing is written through a link.
    """
    _start_repository(scratch)
    generated = set(_files(old, with_core=with_core))
    offered = set(_files(new, with_core=with_core)) - files_of_removed_extras(old, mine, new)
    obstacles = {path: obstacle for path in offered if (obstacle := _obstacle(mine, path))}
    offered -= obstacles.keys()
    owned = {
        path
        for path in names(git(mine, "ls-files", "-z"))
        if _is_merged(path, with_core=with_core)
        and (mine / path).is_file()
        and (path in generated | offered or (mine / path).stat().st_size <= _MOST)
    }
    first = _commit(scratch, {path: old / path for path in generated}, "as it was generated")
    own = _commit(scratch, {path: mine / path for path in owned}, "as it is", with_lf=True)
    merge = Merge(scratch)
    texts = {}
    theirs = {path: new / path for path in offered}
    only_mine = {
        *_only_mine(scratch, first, own, generated, owned),
        *(generated & obstacles.keys()),
    }
    theirs |= {path: old / path for path in only_mine}
    if MAIN in only_mine:
        theirs = {
            path: file for path, file in theirs.items() if path in generated or path not in SAMPLE
        }
    for path in filter(_is_requirements, generated & owned & offered):
        theirs[path] = old / path
        texts[path], kept = merge_requirements(
            *(_read_text(side, path) for side in (old, mine, new))
        )
        merge.kept += [f"{path}: {line}" for line in kept]
    merge.kept += [
        f"{obstacles[path]} (the template: {path})"
        for path in sorted(obstacles)
        if path not in generated or (path in owned and hash_of(old / path) != hash_of(new / path))
    ]
    git(scratch, "checkout", "--quiet", "-b", _SIDE, first)
    _commit(scratch, theirs, "as it would be generated now")
    git(scratch, "checkout", "--quiet", own)
    git(scratch, "merge", "--quiet", "--no-commit", "--no-ff", _SIDE, may_fail=True)
    if not git(scratch, "rev-parse", "--verify", "--quiet", "MERGE_HEAD", may_fail=True):
        raise UpgradeError("git cannot merge; see merge.* in `git config --list`")
    merge.conflicts = names(git(scratch, "diff", "--name-only", "--diff-filter=U", "-z"))
    by_template = _renamed(scratch, first, _SIDE)
    both = _keep_both_names(merge, _renamed(scratch, first, own), by_template)
    removed = set(merge.conflicts) - theirs.keys() - set(by_template.values()) - both
    merge.conflicts = [path for path in merge.conflicts if path not in removed]
    merge.kept += [f"{path} (the template: removed)" for path in sorted(removed)]
    for path, text in texts.items():
        (scratch / path).write_text(text, encoding="utf-8")
    git(scratch, "add", "--all")
    changed = names(git(scratch, "diff", "--name-only", "-z", first, own))
    _sort_changes(merge, own, changed=set(changed))
    for path in owned.intersection(merge.written):
        if _has_crlf((mine / path).read_bytes()):
            _write_crlf(scratch / path)
    return merge


def _obstacle(project: Path, path: str) -> str:
    """Return what is in the place of a file: a link, or the other kind of file; else nothing."""
    for part in reversed((Path(path), *Path(path).parents[:-1])):
        place = project / part
        if place.is_symlink():
            return f"{part.as_posix()}, a link"
        if place.is_dir() and part == Path(path):
            return f"{part.as_posix()}, a folder"
        if place.is_file() and part != Path(path):
            return f"{part.as_posix()}, a file"
    return ""


def _keep_both_names(
    merge: Merge, by_project: dict[str, str], by_template: dict[str, str]
) -> set[str]:
    """Keep a file that both sides have renamed under both of its new names; return these names.

    git merges the contents under each name, and lists all three names as conflicts: the new ones
    are conflicts only if the contents are.
    """
    both: set[str] = set()
    for old in set(merge.conflicts) & by_project.keys() & by_template.keys():
        own, offered = by_project[old], by_template[old]
        merge.kept.append(f"{own} (the template: {offered}, also renamed from {old})")
        both |= {own, offered}
        is_marked = f">>>>>>> {_SIDE}:".encode() in (merge.folder / own).read_bytes()
        settled = {old} if is_marked else {old, own, offered}
        merge.conflicts = [path for path in merge.conflicts if path not in settled]
    return both


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
    yield from generated - owned - _renamed(scratch, first, own).keys()
    changed = names(git(scratch, "diff", "--name-only", "-z", first, own))
    if MAIN in generated and MAIN in changed:
        yield MAIN


def _renamed(scratch: Path, before: str, after: str) -> dict[str, str]:
    """Return the new paths of renamed files, by the old ones."""
    options = ("--name-status", "--find-renames", "--diff-filter=R", "-z")
    listing = names(git(scratch, "diff", *options, before, after))
    return dict(zip(listing[1::3], listing[2::3], strict=True))


def _start_repository(scratch: Path) -> None:
    scratch.mkdir()
    git(scratch, "init", "--quiet")
    for name, value in (
        ("user.name", "mmfmeta"),
        ("user.email", "mmfmeta@localhost"),
        ("core.autocrlf", "false"),
        ("core.attributesFile", "/dev/null"),
        ("merge.directoryRenames", "false"),  # a user's new file stays where it is
    ):
        git(scratch, "config", name, value)


def _commit(scratch: Path, files: dict[str, Path], message: str, *, with_lf: bool = False) -> str:
    """Commit these files, and no others; `with_lf` with the line ends of the template."""
    for entry in scratch.iterdir():
        if entry.name != ".git":
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    for path, source in files.items():
        target = scratch / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
        if with_lf and _has_crlf(contents := source.read_bytes()):
            target.write_bytes(contents.replace(b"\r\n", b"\n"))
    git(scratch, "add", "--all", "--force")
    git(scratch, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(scratch, "rev-parse", "HEAD").strip()


def _has_crlf(contents: bytes) -> bool:
    """Return whether these are lines of text that all end as on Windows."""
    lines = contents.count(b"\n")
    return lines > 0 and b"\0" not in contents and contents.count(b"\r\n") == lines


def _write_crlf(file: Path) -> None:
    file.write_bytes(file.read_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"))


def _read_text(folder: Path, path: str) -> str:
    try:
        return (folder / path).read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise UpgradeError(
            f"{path}: expected UTF-8, got another encoding, such as PowerShell's UTF-16: save it "
            f"as UTF-8, and commit it ({error})"
        ) from error


def _files(folder: Path, *, with_core: bool) -> Iterable[str]:
    return (path for path in files_of(folder) if _is_merged(path, with_core=with_core))


def _is_merged(path: str, *, with_core: bool) -> bool:
    return path not in {NAME, CRUFT} and (with_core or not is_core(path))


def _is_requirements(path: str) -> bool:
    return any(fnmatch(path, pattern) for pattern in REQUIREMENTS)
