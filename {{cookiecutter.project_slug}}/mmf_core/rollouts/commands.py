"""`mmfmeta rollout`: start, inspect, change and end a rollout; each command writes the plan."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..errors import MMFError
from ..example_calls import use_model_schemas
from ..registry import load as load_registry
from . import candidate, changes, state
from .plan import Candidate, Plan, PlanError, check_needs, document_of, of, read
from .rewards import rewards_of
from .settings import RolloutSettings
from .strategies import STRATEGIES, Progress


@click.group()
def rollout() -> None:
    """Serve a second version beside the current one, to some of the requests."""


@rollout.command()
@click.argument("name")
@click.argument("files", nargs=-1, required=True, metavar="FILE=OTHER...")
@click.option("--traffic", type=float, help="Percentage of the requests that it serves.")
@click.option("--mirror", type=float, help="Percentage of the requests that are copied to it.")
@click.option("--dark", is_flag=True, help="Serve only callers that request it by name.")
@click.option("--steps", help="Percentages, one after the other: 5,20,50,100.")
@click.option("--minutes", type=float, help="Minimum duration of each step.")
@click.option("--sticky", help="What selects the version: a header, claim:NAME or column:NAME.")
@click.option(
    "--strategy",
    type=click.Choice([*STRATEGIES]),
    help="How its share changes; inferred from the options by default.",
)
def start(name: str, files: tuple[str, ...], **options: Any) -> None:
    """Start a rollout of NAME, which has OTHER files or versions: model.joblib=new/model.joblib.

    The running service tests it, loads it, and replaces its workers one by one.
    """
    document = _document(name, files, **options)
    _check(document)
    plan = _run(changes.begin, document)
    if plan.candidate:
        click.echo(f"{plan.candidate.name} started; mmfmeta rollout status shows its progress")


@rollout.command(name="set")
@click.option("--traffic", type=float, help="Percentage of the requests that it serves.")
@click.option("--mirror", type=float, help="Percentage of the requests that are copied to it.")
def set_(**shares: float | None) -> None:
    """Change the candidate's share, within two seconds and without a reload."""
    changed = {key: value for key, value in shares.items() if value is not None}
    if not changed:
        raise click.ClickException("expected --traffic or --mirror")
    _run(changes.set_shares, **changed)


@rollout.command()
def status() -> None:
    """Show the plan, and its progress."""
    file = RolloutSettings.from_env().file
    try:
        plan = read(file)
    except MMFError as error:
        raise click.ClickException(str(error)) from error
    if plan.candidate is None:
        click.echo("no rollout")
        return
    for table, entries in document_of(plan).items():
        for key, value in entries.items():
            click.echo(f"{table}.{key}: {_text(value)}")
    saved = state.read(state.path_of(file), state.key_of(plan.candidate))
    if plan.candidate.promoted:
        click.echo("promoted: it serves every request")
    elif saved.progress.ended:
        click.echo(f"rolled back: {saved.progress.ended}")
    elif saved.not_served:
        click.echo(f"not served: {saved.not_served}")
    else:
        _show(plan, plan.candidate, saved.progress)


@rollout.command()
def promote() -> None:
    """Route every request to the candidate, and put its files in place."""
    _run(changes.promote)


@rollout.command()
def abort() -> None:
    """End the rollout, and return to the current version."""
    _run(changes.abort)


def document_of_files(files: tuple[str, ...]) -> dict[str, Any]:
    """Return the candidate that FILE=OTHER describes, as entries of a plan."""
    artifacts: dict[str, str] = {}
    entries: dict[str, Any] = {}
    for text in files:
        file, separator, other = text.partition("=")
        if not separator or not other:
            raise PlanError(f"{text}: expected FILE=OTHER, such as model.joblib=new.joblib")
        if file == "main.py":
            entries["main"] = other
        else:
            artifacts[Path(file).as_posix()] = other
    return entries | ({"artifacts": artifacts} if artifacts else {})


def _text(value: Any) -> str:
    """Return an entry of a plan as an option of `start` has it."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key}={each}" for key, each in value.items())
    if isinstance(value, tuple):
        return ", ".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _show(plan: Plan, candidate: Candidate, progress: Progress) -> None:
    """Print the share of a candidate that is being served, and since when."""
    strategy = STRATEGIES[candidate.strategy]
    if (rewards := rewards_of(candidate, state.key_of(candidate))) is None:
        click.echo("its share follows from the rewards; set MMF_FEEDBACK=1 to see them here")
        return
    if strategy.needs_rewards:
        both = {candidate.name: rewards.candidate, "the current version": rewards.stable}
        for name, each in both.items():
            click.echo(f"{name}: {each.count:g} rewards, {each.mean:.3g} on average")
    traffic = strategy.traffic(plan, progress, rewards)
    click.echo(f"step {progress.step + 1}, {traffic:.3g} %, for {progress.seconds:.0f} seconds")


def _document(
    name: str,
    files: tuple[str, ...],
    *,
    dark: bool,
    steps: str | None,
    minutes: float | None,
    **options: Any,
) -> dict[str, Any]:
    entries: dict[str, Any] = {"name": name, **document_of_files(files)}
    entries |= {key: value for key, value in options.items() if value is not None}
    is_silent = options["mirror"] and not (options["traffic"] or steps or dark)
    entries.setdefault("strategy", "silent" if is_silent else "canary")
    if dark and entries.setdefault("traffic", 0):
        raise click.ClickException("--dark and --traffic exclude each other")
    document: dict[str, Any] = {"candidate": entries}
    if steps:
        try:
            shares = [float(step) for step in steps.split(",")]
        except ValueError:
            raise click.ClickException(f"--steps {steps}: expected numbers: 5,20,50,100") from None
        document["steps"] = {"traffic": shares} | ({"minutes": minutes} if minutes else {})
    elif minutes:
        raise click.ClickException("--minutes is for --steps")
    is_bandit = entries["strategy"] == "bandit"
    if dark and is_bandit:
        raise click.ClickException("--dark and --strategy bandit exclude each other")
    if not (is_bandit or dark or steps or options["traffic"] or options["mirror"]):
        raise click.ClickException(
            "expected --traffic, --steps, --mirror, --dark or --strategy bandit"
        )
    return document


def _check(document: dict[str, Any]) -> None:
    """Test the candidate here, as the service will: a plan that it rejects is not written."""
    try:
        plan = of(document)
        check_needs(plan)
        registry = load_registry("main")
        registry.load_artifacts()
        use_model_schemas(registry)
        if plan.candidate:
            candidate.load(plan.candidate, "main", registry)
    except MMFError as error:
        raise click.ClickException(str(error)) from error


def _run(change: Any, *arguments: Any, **named: Any) -> Any:
    file = RolloutSettings.from_env().file
    try:
        return change(file, *arguments, **named)
    except MMFError as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written: {error.strerror}") from error
