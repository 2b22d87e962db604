"""`mmfmeta compare`: both versions on a table, and the rows whose predictions change."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..cli.exit_codes import Undecided
from ..errors import MMFError, RequestError
from ..example_calls import use_model_schemas
from ..execution import Execution
from ..registry import load as load_registry
from ..target import Target
from . import candidate
from .commands import document_of_files
from .compare import Call, Comparison, NotComparable, read_table, target_with_table
from .compare import compare as compared
from .plan import Candidate, of, read
from .rollout import UNNAMED
from .settings import RolloutSettings

_NAME = "candidate"


@click.command()
@click.argument("version", nargs=-1, required=True, metavar="VERSION|FILE=OTHER...")
@click.argument("table", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--target", help="The target to call, if several accept a table.")
@click.option(
    "-o",
    "--output",
    default="changed.xlsx",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The workbook for the rows whose predictions change.",
)
@click.pass_context
def compare(
    context: click.Context,
    version: tuple[str, ...],
    table: Path,
    target: str | None,
    output: Path,
) -> None:
    """Call the current version and another one with TABLE, and write the rows that change.

    The other version is given as for `mmfmeta rollout start`, model.joblib=new/model.joblib, or is
    the candidate of rollout.toml, by its name. The exit code is 0 if no prediction changes, 1 if
    one does, and 2 if the comparison fails.
    """
    try:
        result = _compare(version, table, target)
        if not result.cells:
            click.echo(f"{result.rows:,} rows, the same predictions")
            return
        output.write_bytes(result.workbook())
    except (MMFError, OSError) as error:
        raise Undecided(str(error)) from error
    share = len(result.changed) / result.rows
    click.echo(f"{len(result.changed):,} of {result.rows:,} rows change ({share:.1%}): {output}")
    context.exit(1)


def _compare(version: tuple[str, ...], table: Path, route: str | None) -> Comparison:
    new_version = _candidate(version)
    registry = load_registry("main")
    registry.load_artifacts()
    use_model_schemas(registry)
    target, argument = target_with_table(registry, route)
    rows = read_table(table, target.arguments[argument])
    other = candidate.load(new_version, "main", registry)
    names = (registry.version or UNNAMED, new_version.name)
    versions = zip(names, (target, other.targets[target.route]), strict=True)
    return compared(rows, argument, {name: _call(name, each) for name, each in versions})


def _call(version: str, target: Target) -> Call:
    """Return a function that calls a version; its errors name the version and the reason."""
    execution = Execution(target)

    def call(values: Mapping[str, Any]) -> Any:
        try:
            return execution(values)
        except MMFError as error:
            raise NotComparable(f"{version}: {_reason(error)}") from error

    return call


def _reason(error: MMFError) -> str:
    if isinstance(error, RequestError):
        cells = (f"\n  {cell.column}, row {cell.row}: {cell.message}" for cell in error.errors)
        return f"{error.detail}{''.join(cells)}"
    cause = error.__cause__
    return f"{error}: {type(cause).__name__}: {cause}" if cause else str(error)


def _candidate(version: tuple[str, ...]) -> Candidate:
    """Return the candidate of the plan, or one made of these files."""
    if len(version) == 1 and "=" not in version[0]:
        file = RolloutSettings.from_env().file
        planned = read(file).candidate
        if planned is None or planned.name != version[0]:
            actual = f"it has {planned.name}" if planned else "it has no candidate"
            raise NotComparable(f"{version[0]}: expected the candidate of {file}, but {actual}")
        return planned
    plan = of({"candidate": {"name": _NAME, **document_of_files(version)}})
    if plan.candidate is None:
        raise NotComparable("expected VERSION or FILE=OTHER")
    return plan.candidate
