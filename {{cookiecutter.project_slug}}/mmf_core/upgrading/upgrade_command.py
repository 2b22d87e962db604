"""`mmfmeta upgrade`: one command, one difference to be read, one command to undo it."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import click
from packaging.version import InvalidVersion, Version

from .changelog import entries_between
from .core_copy import edits, replace_core
from .git import git, names
from .merging import Merge, merge_trees
from .record import CORE, CRUFT, NAME, Record, UpgradeError, checksums, read_record, write_record
from .template import Template, generate

_UNDO = "git reset --hard"


@click.command()
@click.option("--to", metavar="VERSION", help="A version or commit; by default the newest.")
@click.option(
    "--from-template",
    "source",
    metavar="PATH|URL",
    help="Where the template is: a folder, a bundle or a URL; by default where it was.",
)
@click.option("--adopt", metavar="VERSION", help=f"The version of a project without {NAME}.")
@click.option("--mine", is_flag=True, help=f"Merge {CORE}, too, which this project has edited.")
@click.option("--check", is_flag=True, help="Only say whether there is a newer version: then 1.")
@click.option("--dry-run", is_flag=True, help="Only say what would be changed.")
@click.option("--no-tests", is_flag=True, help="Do not run `make test` afterwards.")
def upgrade(
    *,
    to: str | None,
    source: str | None,
    adopt: str | None,
    mine: bool,
    check: bool,
    dry_run: bool,
    no_tests: bool,
) -> None:
    """Merge what a newer version of the template has changed into this project.

    Three ways, as git does: what you have changed stays, mmf_core is replaced, main.py is yours.
    The result is staged and not committed. Exit code 1: there are conflicts, or tests fail.
    """
    project = Path.cwd()
    record = _adopted(project, adopt, source) if adopt else read_record(project)
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        work = Path(folder)
        template = Template(source or record.template, work / "template")
        if check:
            sys.exit(_is_newer(template, record))
        _require_clean(project)
        old_commit = _commit_of(template, record.commit or record.version)
        new_commit = _commit_of(template, to or str(template.newest()))
        if old_commit == new_commit:
            click.echo(f"{record.version} is up to date")
            return
        _show_hooks(template, old_commit, new_commit)
        for name, commit in (("old", old_commit), ("new", new_commit)):
            template.check_out(commit, work / f"template-{name}")
        old, before = generate(work / "template-old", record.answers, work / "old")
        _require_same(record, before)
        new, after = generate(work / "template-new", record.answers, work / "new")
        if not mine and (changed := edits(old, project)):
            raise UpgradeError(
                f"{CORE} has been edited, and would be replaced. Undo that, or merge it with "
                f"--mine:\n{changed}"
            )
        merge = merge_trees(old, project, new, work / "merge", with_core=mine)
        changelog = work / "template-new" / "CHANGELOG.md"
        _report(merge, record, after, changelog, is_replaced=not mine)
        if dry_run:
            return
        _apply(merge, project)
        if not mine:
            replace_core(old, project, new)
        written = replace(
            after, template=source or record.template, commit=new_commit, sums=after.sums
        )
        write_record(project, written)
        git(project, "add", "--all", "--", CORE, NAME, *_existing(project, CRUFT))
    _finish(project, merge, tests=not no_tests)


def _adopted(project: Path, version: str, source: str | None) -> Record:
    """Return the record of a project that was made before there were any."""
    if source is None:
        raise UpgradeError("--adopt needs --from-template: nothing says where the template is")
    package = project / CORE
    if not package.is_dir():
        raise UpgradeError(f"{package} is missing: expected a project that the template has made")
    sample = "wine" if (project / "tests" / "test_wine.py").exists() else "none"
    formats = {"pkl": "pickle", "joblib": "joblib", "skops": "skops", "onnx": "onnx", "pmml": "pmml"}
    found = [formats[file.suffix[1:]] for file in project.glob("model.*") if file.suffix[1:] in formats]
    answers = {"project_slug": project.name, "sample": sample}
    return Record(source, version, "", answers | ({"model_format": found[0]} if found else {}))


def _is_newer(template: Template, record: Record) -> int:
    newest, own = template.newest(), _version(record.version)
    click.echo(f"{own} is up to date" if newest <= own else f"{newest} is newer than {own}")
    return int(newest > own)


def _require_clean(project: Path) -> None:
    """UpgradeError if something is not committed: undoing the upgrade would lose it."""
    if not git(project, "rev-parse", "--is-inside-work-tree", may_fail=True):
        raise UpgradeError(
            "expected a git repository, so that an upgrade can be undone: git init && git add . "
            '&& git commit -m "before the upgrade"'
        )
    changed = names(git(project, "status", "--porcelain", "-z", "--", "."))
    if changed:
        raise UpgradeError(
            f"expected a clean git tree, got {len(changed)} changed files, such as "
            f"{changed[0][3:]}: commit them, or git stash --include-untracked"
        )


def _commit_of(template: Template, revision: str) -> str:
    if commit := template.commit_of(revision):
        return commit
    versions = ", ".join(template.versions().values()) or "none"
    raise UpgradeError(
        f"the template has no version or commit {revision!r}; versions: {versions}. "
        f"--from-template names another repository"
    )


def _show_hooks(template: Template, old: str, new: str) -> None:
    """Show the only code of the new version that is run here, if it has changed."""
    if changed := template.changed_hooks(old, new):
        click.echo(f"The new version runs these hooks to make a project:\n{changed}")
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


def _report(
    merge: Merge, record: Record, after: Record, changelog: Path, *, is_replaced: bool
) -> None:
    core = f"{CORE} is replaced" if is_replaced else f"{CORE} is merged"
    click.echo(f"{record.version} → {after.version}: {core}")
    for name in ("updated", "merged", "added", "deleted", "conflicts", "kept"):
        for path in getattr(merge, name):
            click.echo(f"{name:10}{path}")
    if not changelog.exists():
        return
    text = changelog.read_text(encoding="utf-8")
    for entry in entries_between(text, _version(record.version), _version(after.version)):
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


def _finish(project: Path, merge: Merge, *, tests: bool) -> None:
    if merge.conflicts:
        click.echo("\nMend what is between <<<<<<< and >>>>>>>, and run `make test`.")
    failed = tests and not merge.conflicts and subprocess.run(["make", "test"], check=False).returncode
    click.echo(f"\nRead it: git diff --cached. Keep it: git commit. Undo it: {_UNDO}")
    sys.exit(int(bool(merge.conflicts or failed)))


def _existing(project: Path, *paths: str) -> list[str]:
    return [path for path in paths if (project / path).exists()]


def _version(text: str) -> Version:
    try:
        return Version(text)
    except InvalidVersion:
        raise UpgradeError(f"{text!r} is not a version, such as 0.3.0") from None
