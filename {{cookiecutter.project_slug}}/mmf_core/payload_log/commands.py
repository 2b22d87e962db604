"""`mmfmeta log`: the payload log as lines of JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any

import click

from ..codecs import json
from . import reader
from .settings import PayloadLogSettings


@click.command()
@click.argument("folder", required=False)
@click.option("--target", help="Only the calls of this target.")
@click.option("--version", help="Only those that this version answered.")
@click.option("--status", type=int, help="Only those with this status, such as 422.")
@click.option("--failed", is_flag=True, help="Only those that failed.")
@click.option("--request-id", help="Only the call with this X-Request-ID.")
@click.option("--since", type=click.DateTime(), help="Only from this time on, in UTC.")
@click.option("--until", type=click.DateTime(), help="Only before this time, in UTC.")
@click.option("--rows", is_flag=True, help="A line for each row of a table, with its answer.")
@click.option("--limit", type=click.IntRange(1), help="At most this many lines.")
def log(
    folder: str | None,
    *,
    since: datetime | None,
    until: datetime | None,
    rows: bool,
    limit: int | None,
    **wanted: Any,
) -> None:
    """Print the payload log in FOLDER, by default that of MMF_PAYLOAD_LOG, as lines of JSON."""
    lines = reader.lines(
        folder or PayloadLogSettings.from_env().place,
        reader.Wanted(since=_in_utc(since), until=_in_utc(until), **wanted),
    )
    if rows:
        lines = chain.from_iterable(map(reader.rows, lines))
    for line in islice(lines, limit):
        click.echo(json.dumps(line))


def _in_utc(moment: datetime | None) -> datetime | None:
    return moment and moment.replace(tzinfo=UTC)
