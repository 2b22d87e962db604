"""`mmfmeta drift`: a report that compares logged traffic with the model's training data."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..cli.exit_codes import Undecided
from ..errors import MMFError
from ..payload_log.reader import LogFilter
from ..payload_log.settings import PayloadLogSettings


@click.command()
@click.argument("folder", required=False)
@click.option(
    "--model",
    type=click.Path(path_type=Path),
    help="The model's file; by default that of the only .profile here.",
)
@click.option("--target", help="Only the calls of this target.")
@click.option("--version", help="Only calls of this version.")
@click.option("--since", type=click.DateTime(), help="Only from this time on, in UTC.")
@click.option("--until", type=click.DateTime(), help="Only before this time, in UTC.")
@click.option(
    "-o",
    "--output",
    default="drift.html",
    show_default=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The report.",
)
@click.pass_context
def drift(
    context: click.Context,
    /,
    folder: str | None,
    model: Path | None,
    output: Path,
    **filters: Any,
) -> None:
    """Compare the payload log in FOLDER with the model's profile, and write a page about it.

    FOLDER is by default that of MMF_PAYLOAD_LOG. The exit code is 0 if no column has drifted, 1 if
    one has, and 2 if the comparison fails.
    """
    # These import numpy, which no other command needs.
    from .html_report import page
    from .log_report import compare

    for name in ("since", "until"):
        if filters[name]:
            filters[name] = filters[name].replace(tzinfo=UTC)
    location = folder or PayloadLogSettings.from_env().location
    try:
        report = compare(location, model, LogFilter(status=200, **filters))
        output.write_text(page(report, datetime.now(UTC)), encoding="utf-8")
    except (MMFError, OSError) as error:
        raise Undecided(str(error)) from error
    drifted = sum(drift.verdict == "drifted" for drift in report.columns.values())
    click.echo(
        f"{drifted} of {len(report.columns)} columns have drifted in {report.rows:,} rows: {output}"
    )
    context.exit(1 if drifted else 0)
