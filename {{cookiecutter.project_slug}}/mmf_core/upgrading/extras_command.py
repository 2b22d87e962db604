"""`mmfmeta extras`: parts that a project can do without are removed and added by merges."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..cli.exit_codes import Undecided
from ..errors import MMFError
from ..extras import PROJECT_FILES, ExtrasError, find_extras, version_of, with_required
from .generated_extras import (
    REQUIREMENTS,
    answers_with,
    answers_without,
    separate_requirements,
    set_extras,
)
from .git import git
from .hook_consent import ACCEPT_HOOKS, confirm_hooks
from .merging import Merge, merge_trees
from .record import CORE, CRUFT, NAME, read_record, write_record
from .staging import (
    apply,
    conflict_code,
    finish,
    report,
    require_clean,
    require_same,
    require_tracked,
)
from .template import Template, find_cookiecutter, generate

NAMES = click.argument("names", nargs=-1, required=True, metavar="NAME…")
FROM = click.option(
    "--from-template",
    "--template",
    "source",
    metavar="PATH|URL",
    help=f"Where the template is: a folder, a bundle or a URL; by default the one in {NAME}.",
)
DRY_RUN = click.option(
    "--dry-run", is_flag=True, help="Report what would be changed; change nothing."
)


@dataclass(frozen=True, slots=True)
class _Options:
    source: str | None
    dry_run: bool
    accept_hooks: bool


@click.group(invoke_without_command=True)
@click.pass_context
def extras(context: click.Context) -> None:
    """List the parts of mmf_core that can be removed; remove them, or add them back.

    `add` and `remove` generate the project with and without these parts, from the template in
    .mmf.toml at the project's commit, and merge the difference as `upgrade` does.
    """
    if context.invoked_subcommand is None:
        present = find_extras(Path.cwd() / CORE)
        width = max(map(len, present), default=0)
        for extra in present.values():
            click.echo(f"{extra.name:{width}}  {extra.summary}")
        if not present:
            click.echo("no extras; add some: mmfmeta extras add NAME")


@extras.command()
@NAMES
@FROM
@DRY_RUN
@ACCEPT_HOOKS
def remove(names: tuple[str, ...], **options: Any) -> None:
    """Remove extras: from mmf_core, deploy/, compose.yaml, the README, requirements.in.

    What you have edited stays, and is shown; so does a package that your own code imports. Exit
    code 1: there are conflicts. 2: refused, and nothing has been changed.
    """
    _run(names, _Options(**options), adds=False)


@extras.command()
@NAMES
@FROM
@DRY_RUN
@ACCEPT_HOOKS
def add(names: tuple[str, ...], **options: Any) -> None:
    """Add extras, and those that they require: to mmf_core, deploy/, compose.yaml, requirements.in.

    What you have edited stays, and the new parts are merged into it. Exit code 1: there are
    conflicts. 2: refused, and nothing has been changed.
    """
    _run(names, _Options(**options), adds=True)


def _run(names: tuple[str, ...], options: _Options, *, adds: bool) -> None:
    try:
        sys.exit(_change(Path.cwd(), names, options, adds=adds))
    except (MMFError, OSError) as error:
        raise Undecided(str(error)) from error


def _change(project: Path, names: tuple[str, ...], options: _Options, *, adds: bool) -> int:
    """Merge what differs in a project without and with these extras; return the exit code."""
    record = read_record(project)
    with tempfile.TemporaryDirectory(prefix="mmfmeta-") as folder:
        work = Path(folder)
        template = Template(options.source or record.template, work / "template")
        require_clean(project)
        commit = template.require_commit(record.commit or record.version)
        find_cookiecutter()  # before anything is to be confirmed
        is_known = bool(record.commit)
        confirm_hooks(template, commit, commit, is_known=is_known, accepted=options.accept_hooks)
        checkout = work / "checkout"
        template.check_out(commit, checkout)
        (package,) = checkout.glob(f"*/{CORE}")
        _require_version(project, package)
        changed = _changed(names, project / CORE, package, adds=adds)
        if not changed:
            click.echo(f"already there: {', '.join(sorted(set(names)))}")
            return 0
        present = set(find_extras(project / CORE))
        made, begun = generate(checkout, record.answers, work / "made")
        require_same(record, begun)
        sides = []
        for name, extras_there, answers in (
            ("without", present - changed, answers_without(record.answers, changed)),
            ("with", present | changed, answers_with(record.answers, changed)),
        ):
            is_made = answers == record.answers
            side, its = (made, begun) if is_made else generate(checkout, answers, work / name)
            set_extras(side, extras_there, checkout, answers)
            sides.append((side, replace(record, answers=answers, sums=its.sums)))
        (without, _), (with_them, _) = sides
        separate_requirements(project, without, with_them)
        old, new = (without, with_them) if adds else (with_them, without)
        merge = merge_trees(old, project, new, work / "merge", with_core=True)
        if not adds:
            _require_gone(merge, changed)
        require_tracked(project, merge, with_core=False)
        report(merge, folders=_folders(with_them, changed))
        if options.dry_run:
            return conflict_code(merge)
        apply(merge, project)
        write_record(project, sides[adds][1])
        git(project, "add", "--all", "--force", "--", NAME, CRUFT)
    if REQUIREMENTS in (*merge.written, *merge.conflicts):
        click.echo(f"\nPin and install what {REQUIREMENTS} lists now: make add")
    return finish(merge)


def _changed(names: tuple[str, ...], core: Path, package: Path, *, adds: bool) -> set[str]:
    """Return the extras to be added, which are not there yet, or removed, which are."""
    present, offered = find_extras(core), find_extras(package)
    if adds:
        return set(with_required(names, core, package)) - present.keys()
    for name in names:
        if name not in present:
            raise ExtrasError(f"unknown extra: {name}; available: {', '.join(present) or 'none'}")
        if name not in offered:
            raise ExtrasError(f"{name} is not an extra of the template: delete its folder")
    for name, extra in present.items():
        if name not in names and (needed := set(extra.requires).intersection(names)):
            raise ExtrasError(f"{name} requires {', '.join(sorted(needed))}: remove it, too")
    return set(names)


def _require_gone(merge: Merge, names: set[str]) -> None:
    """ExtrasError if an extra would be found, in part, because the project has edited it."""
    left = find_extras(merge.folder / CORE)
    for name in sorted(names & left.keys()):
        paths = " ".join(path.relative_to(merge.folder).as_posix() for path in left[name].paths)
        raise ExtrasError(
            f"{name} has been edited, and what is edited would stay without the rest: undo that, "
            f"and commit it; git log -p {paths} shows it"
        )


def _folders(made: Path, names: Iterable[str]) -> list[str]:
    """Return the folders that are of these extras alone."""
    extras = find_extras(made / CORE)
    inside = [path.relative_to(made).as_posix() for name in names for path in extras[name].paths]
    return [*inside, *(path for name in names for path in PROJECT_FILES.get(name, ()))]


def _require_version(project: Path, package: Path) -> None:
    ours, theirs = version_of(project / CORE), version_of(package)
    if ours != theirs:
        raise ExtrasError(
            f"{NAME} names a template with {CORE} {theirs}, but {CORE} here is {ours}: expected "
            f"the same; upgrade by `mmfmeta upgrade`, which writes both"
        )
