"""`mmfmeta upgrade`: one command, one difference to be read, one command to undo it."""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..cli.exit_codes import Undecided
from ..errors import MMFError
from ..extras import find_extras
from .adoption import infer_record
from .changelog import entries_between
from .core_copy import edits, replace_core
from .generated_extras import add_missing_extras
from .git import git
from .hook_consent import ACCEPT_HOOKS, confirm_hooks
from .merging import merge_trees
from .record import (
    CORE,
    CRUFT,
    NAME,
    Record,
    UpgradeError,
    Version,
    parse_version,
    read_record,
    write_record,
)
from .staging import (
    apply,
    conflict_code,
    finish,
    report,
    require_clean,
    require_same,
    require_tracked,
)
from .template import Template, find_cookiecutter, generate, obsolete_answers


@dataclass(frozen=True, slots=True)
class _Options:
    to: str | None
    source: str | None
    adopt: str | None
    mine: bool
    check: bool
    dry_run: bool
    no_tests: bool
    accept_hooks: bool


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
@ACCEPT_HOOKS
def upgrade(**arguments: Any) -> None:
    """Merge what a newer version of the template has changed into this project.

    Three ways, as git does: what you have changed stays, mmf_core is replaced, main.py is yours.
    The result is staged and not committed. Exit code 1: there are conflicts. 2: refused, or failed.
    3: `make test` fails after the upgrade.
    """
    options, project = _Options(**arguments), Path.cwd()
    try:
        sys.exit(_check(project, options) if options.check else _upgrade(project, options))
    except (MMFError, OSError) as error:
        raise Undecided(str(error)) from error


def _upgrade(project: Path, options: _Options) -> int:
    """Upgrade the project, and return the exit code."""
    source = _source(project, options)
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        work = Path(folder)
        template = Template(source, work / "template")
        require_clean(project)
        record = _record(project, template, options)
        commits = (
            template.require_commit(record.commit or record.version),
            template.require_commit(options.to or str(template.newest())),
        )
        if commits[0] == commits[1] or (not options.to and template.contains(*commits)):
            click.echo(f"{record.version} is up to date")
            return 0
        find_cookiecutter()  # before anything is to be confirmed
        confirm_hooks(
            template,
            *commits,
            is_known=bool(record.commit) and options.adopt is None,
            accepted=options.accept_hooks,
        )
        for name, commit in zip(("old", "new"), commits, strict=True):
            template.check_out(commit, work / f"template-{name}")
        old, before = generate(work / "template-old", record.answers, work / "old")
        require_same(record, before)
        new, after = generate(work / "template-new", record.answers, work / "new")
        for made, checkout in ((old, work / "template-old"), (new, work / "template-new")):
            add_missing_extras(made, find_extras(project / CORE), checkout, record.answers)
        if not options.mine and (changed := edits(old, project)):
            raise UpgradeError(
                f"{CORE} has been edited, and would be replaced. Undo that, or merge it with "
                f"--mine:\n{changed}"
            )
        merge = merge_trees(old, project, new, work / "merge", with_core=options.mine)
        require_tracked(project, merge, with_core=not options.mine)
        click.echo(_step((record.version, commits[0]), (after.version, commits[1])))
        for name, reason in obsolete_answers(template.questions_of(commits[1]), record.answers):
            click.echo(f"{'answer':10}{name}: {reason}")
        report(merge, "merged" if options.mine else "replaced")
        _show_changes(
            work / "template-new" / "CHANGELOG.md",
            *(record.version, after.version),
            unreleased=commits[1] not in template.tagged_commits(),
        )
        if options.dry_run:
            return conflict_code(merge)
        apply(merge, project)
        if not options.mine:
            replace_core(old, project, new)
        after = replace(after, template=source, commit=commits[1])
        write_record(project, after)
        git(project, "add", "--all", "--force", "--", CORE, NAME, CRUFT)
    return finish(merge, tests=not options.no_tests)


def _step(old: tuple[str, str], new: tuple[str, str]) -> str:
    """Return the versions, with their commits if one version has both."""
    if old[0] != new[0]:
        return f"{old[0]} → {new[0]}"
    return " → ".join(f"{version} ({commit[:7]})" for version, commit in (old, new))


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


def _show_changes(changelog: Path, old: str, new: str, *, unreleased: bool) -> None:
    """Show what may need something done."""
    text = changelog.read_text(encoding="utf-8") if changelog.exists() else ""
    versions = _version(old), _version(new)
    for entry in entries_between(text, *versions, unreleased=unreleased):
        click.echo(f"\n{entry}")


def _version(text: str) -> Version:
    if version := parse_version(text):
        return version
    raise UpgradeError(f"{text!r} is not a version, such as 0.3.0")
