"""`mmfmeta compare`: both versions on a table, and the rows whose answers change."""

from __future__ import annotations

from pathlib import Path

import click

from ..errors import MMFError
from ..example_calls import use_model_schemas
from ..registry import load as load_registry
from . import candidate
from .commands import document_of_files
from .compare import Comparison, NotComparable, read_table, target_with_table
from .compare import compare as compared
from .plan import Candidate, of, read
from .rollout import UNNAMED
from .settings import RolloutSettings

_NAME = "candidate"


class _Trouble(click.ClickException):
    """Neither yes nor no, as for `diff`."""

    exit_code = 2


@click.command()
@click.argument("version", nargs=-1, required=True, metavar="VERSION|FILE=OTHER...")
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--target", help="The target that is called, if several take a table.")
@click.option(
    "-o",
    "--output",
    default="changed.xlsx",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The workbook of the rows whose answers change.",
)
@click.pass_context
def compare(
    context: click.Context,
    version: tuple[str, ...],
    table: Path,
    target: str | None,
    output: Path,
) -> None:
    """Call the version in use and another one with TABLE, and write the rows that change.

    The other version is named as for `mmfmeta rollout start`, model.joblib=new/model.joblib, or is
    the candidate of rollout.toml, by its name. The exit code is 0 if no answer changes, 1 if one
    does, and 2 if that cannot be said.
    """
    try:
        result = _compare(version, table, target)
        if not result.cells:
            click.echo(f"{result.rows:,} rows, the same answers")
            return
        result.write(output)
    except (MMFError, OSError) as error:
        raise _Trouble(str(error)) from error
    share = len(result.changed) / result.rows
    click.echo(f"{len(result.changed):,} of {result.rows:,} rows change ({share:.1%}): {output}")
    context.exit(1)


def _compare(version: tuple[str, ...], table: Path, route: str | None) -> Comparison:
    wanted = _candidate(version)
    registry = load_registry("main")
    registry.load_artifacts()
    use_model_schemas(registry)
    target, argument = target_with_table(registry, route)
    rows = read_table(table, target.arguments[argument])
    other = candidate.load(wanted, "main", registry)
    names = (registry.version or UNNAMED, wanted.name)
    if names[0] == names[1]:
        names = (UNNAMED, wanted.name)
    both = dict(zip(names, (target, other.targets[target.route]), strict=True))
    return compared(rows, argument, both)


def _candidate(version: tuple[str, ...]) -> Candidate:
    """Return the candidate of the plan, or one of these files."""
    if len(version) == 1 and "=" not in version[0]:
        file = RolloutSettings.from_env().file
        planned = read(file).candidate
        if planned is None or planned.name != version[0]:
            there = f"it has {planned.name}" if planned else "it has no candidate"
            raise NotComparable(f"{version[0]}: expected the candidate of {file}, and {there}")
        return planned
    plan = of({"candidate": {"name": _NAME, **document_of_files(version)}})
    if plan.candidate is None:
        raise NotComparable("expected VERSION or FILE=OTHER")
    return plan.candidate
