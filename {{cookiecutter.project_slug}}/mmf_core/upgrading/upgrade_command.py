"""`mmfmeta upgrade`: one command, one difference to be read, one command to undo it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..cli.exit_codes import Undecided
from .adoption import infer_record
from .changelog import entries_between
from .core_copy import complete_extras, edits, replace_core
from .git import git, names
from .merging import Merge, merge_trees
from .record import (
    CORE,
    CRUFT,
    NAME,
    Record,
    UpgradeError,
    Version,
    files_of,
    parse_version,
    read_record,
    write_record,
)
from .template import Template, generate, obsolete_answers

_UNDO = "git reset --hard"
_UNDO_PART = f"{_UNDO} && git clean -fd"  # also what is not staged yet
_TEST = ("make", "test")


@dataclass(frozen=True, slots=True)
class _Options:
    to: str | None
    source: str | None
    adopt: str | None
    mine: bool
    check: bool
    dry_run: bool
    no_tests: bool


@click.command()
@click.option("--to", metavar="VERSION", help="A version or commit; by default the newest.")
@click.option(
    "--from-template",
    "source",
    metavar="PATH|URL",
    help="Where the template is: a folder, a bundle or a URL; by default where it was.",
)
@click.option(
    "--adopt", metavar="VERSION", help=f"The version, or commit, of a project without {NAME}."
)
@click.option("--mine", is_flag=True, help=f"Merge {CORE}, too, which this project has edited.")
@click.option(
    "--check",
    is_flag=True,
    help="Report whether a newer version exists: exit code 1 if so, 2 if that is unknown.",
)
@click.option("--dry-run", is_flag=True, help="Report what would be changed; change nothing.")
@click.option("--no-tests", is_flag=True, help="Do not run `make test` afterwards.")
def upgrade(**arguments: Any) -> None:
    """Merge what a newer version of the template has changed into this project.

    Three ways, as git does: what you have changed stays, mmf_core is replaced, main.py is yours.
    The result is staged and not committed. Exit code 1: there are conflicts, or tests fail.
    """
    options, project = _Options(**arguments), Path.cwd()
    if options.check:
        try:
            sys.exit(_check(project, options))
        except (UpgradeError, OSError) as error:
            raise Undecided(str(error)) from error
    source = _source(project, options)
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        work = Path(folder)
        template = Template(source, work / "template")
        _require_clean(project)
        record = _record(project, template, options)
        commits = (
            template.require_commit(record.commit or record.version),
            template.require_commit(options.to or str(template.newest())),
        )
        if commits[0] == commits[1] or (not options.to and template.contains(*commits)):
            click.echo(f"{record.version} is up to date")
            return
        _show_hooks(template, record, *commits)
        for name, commit in zip(("old", "new"), commits, strict=True):
            template.check_out(commit, work / f"template-{name}")
        old, before = generate(work / "template-old", record.answers, work / "old")
        _require_same(record, before)
        new, after = generate(work / "template-new", record.answers, work / "new")
        complete_extras(project, {old: work / "template-old", new: work / "template-new"})
        if not options.mine and (changed := edits(old, project)):
            raise UpgradeError(
                f"{CORE} has been edited, and would be replaced. Undo that, or merge it with "
                f"--mine:\n{changed}"
            )
        merge = merge_trees(old, project, new, work / "merge", with_core=options.mine)
        _require_tracked(project, merge, with_core=not options.mine)
        click.echo(f"{record.version} → {after.version}")
        for name, reason in obsolete_answers(template.questions_of(commits[1]), record.answers):
            click.echo(f"{'answer':10}{name}: {reason}")
        _report(merge, "merged" if options.mine else "replaced")
        _show_changes(
            work / "template-new" / "CHANGELOG.md",
            *(record.version, after.version),
            unreleased=commits[1] not in template.tagged_commits(),
        )
        if options.dry_run:
            sys.exit(int(bool(merge.conflicts)))
        click.echo(f"Changing the files. If this is interrupted: {_UNDO_PART}")
        _apply(merge, project)
        if not options.mine:
            replace_core(old, project, new)
        after = replace(after, template=source, commit=commits[1])
        write_record(project, after)
        git(project, "add", "--all", "--force", "--", CORE, NAME, CRUFT)
    _finish(merge, tests=not options.no_tests)


def _check(project: Path, options: _Options) -> int:
    """Report whether a newer version exists, and return the exit code."""
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        template = Template(_source(project, options), Path(folder) / "template")
        newest = template.newest()
        own = _version(_record(project, template, options).version)
    click.echo(f"{own} is up to date" if newest <= own else f"{newest} is newer than {own}")
    return int(newest > own)


def _record(project: Path, template: Template, options: _Options) -> Record:
    """Return where the project comes from: its record or, with --adopt, what its files show."""
    if options.adopt is None:
        return read_record(project)
    record = infer_record(project, template, str(options.source), options.adopt)
    click.echo(f"{record.version}: the files are those of commit {record.commit}; answers:")
    for name, text in record.answers.items():
        click.echo(f"  {name}: {text}")
    return record


def _source(project: Path, options: _Options) -> str:
    """Return where the template is."""
    if options.source is None and options.adopt is not None:
        raise UpgradeError("--adopt needs --from-template: nothing says where the template is")
    return options.source or read_record(project).template


def _require_clean(project: Path) -> None:
    """UpgradeError if git could not stage the upgrade, or undoing it would lose something."""
    if not git(project, "rev-parse", "--is-inside-work-tree", may_fail=True):
        raise UpgradeError(
            "expected a git repository, so that an upgrade can be undone: git init && git add . "
            '&& git commit -m "before the upgrade"'
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


def _require_tracked(project: Path, merge: Merge, *, with_core: bool) -> None:
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


def _show_hooks(template: Template, record: Record, old: str, new: str) -> None:
    """Show the hooks of the new version: what has changed, or all if those before are unknown."""
    shown = []
    if not record.commit and (hooks := template.changed_hooks("", new)):
        shown.append(
            f"{NAME} has no commit, so the hooks that generated this project are unknown. The new "
            f"version runs these hooks to make a project:\n{hooks}"
        )
    if changed := template.changed_hooks(old, new):
        shown.append(f"The hooks of the two versions, which both run, differ:\n{changed}")
    if shown:
        click.echo("\n".join(shown))
        if sys.stdin.isatty():
            click.confirm("Run them?", abort=True)


def _require_same(record: Record, made: Record) -> None:
    """UpgradeError if the template does not make what the project began with."""
    other = [name for name, value in record.sums.items() if made.sums.get(name) != value]
    if other:
        raise UpgradeError(
            f"{record.version} of this template does not make what this project began with: "
            f"{', '.join(other[:5])} differ. Is it the same template? --from-template names another"
        )


def _report(merge: Merge, core: str) -> None:
    """Report what becomes of each file."""
    click.echo(f"{core:10}{CORE}")
    for name in ("updated", "merged", "added", "deleted", "conflicts", "kept"):
        for path in getattr(merge, name):
            click.echo(f"{name:10}{path}")


def _show_changes(changelog: Path, old: str, new: str, *, unreleased: bool) -> None:
    """Show what may need something done."""
    text = changelog.read_text(encoding="utf-8") if changelog.exists() else ""
    versions = _version(old), _version(new)
    for entry in entries_between(text, *versions, unreleased=unreleased):
        click.echo(f"\n{entry}")


def _apply(merge: Merge, project: Path) -> None:
    for path in merge.written:
        target = project / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((merge.folder / path).read_bytes())
        target.chmod((merge.folder / path).stat().st_mode & 0o777)
    for path in merge.deleted:
        (project / path).unlink()
    if changed := [*merge.written, *merge.deleted]:
        git(project, "add", "--all", "--force", "--", *changed)


def _finish(merge: Merge, *, tests: bool) -> None:
    """Run the project's tests, unless there are conflicts; say what to do, and end."""
    is_bad = bool(merge.conflicts)
    if merge.conflicts:
        click.echo("\nEdit what is between <<<<<<< and >>>>>>>, and run `make test`.")
    elif tests and subprocess.run(_TEST, check=False).returncode:
        is_bad = True
        click.echo("\n`make test` failed after the upgrade; its output is above.")
    click.echo(f"\nRead it: git diff --cached. Keep it: git commit. Undo it: {_UNDO}")
    sys.exit(int(is_bad))


def _version(text: str) -> Version:
    if version := parse_version(text):
        return version
    raise UpgradeError(f"{text!r} is not a version, such as 0.3.0")
