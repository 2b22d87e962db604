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
@click.option("--version", help="Only calls of this version.")
@click.option("--status", type=int, help="Only calls with this status, such as 422.")
@click.option("--failed", is_flag=True, help="Only calls that failed.")
@click.option("--request-id", help="Only the call with this X-Request-ID.")
@click.option("--since", type=click.DateTime(), help="Only from this time on, in UTC.")
@click.option("--until", type=click.DateTime(), help="Only before this time, in UTC.")
@click.option("--rows", is_flag=True, help="A line for each row of a table, with its result.")
@click.option("--limit", type=click.IntRange(1), help="At most this many lines.")
def log(
    folder: str | None,
    *,
    since: datetime | None,
    until: datetime | None,
    rows: bool,
    limit: int | None,
    **filters: Any,
) -> None:
    """Print the payload log in FOLDER, by default that of MMF_PAYLOAD_LOG, as lines of JSON."""
    records = reader.records(
        folder or PayloadLogSettings.from_env().location,
        reader.LogFilter(since=_in_utc(since), until=_in_utc(until), **filters),
    )
    if rows:
        records = chain.from_iterable(map(reader.rows, records))
    for record in islice(records, limit):
        click.echo(json.dumps(record))


def _in_utc(time: datetime | None) -> datetime | None:
    return time and time.replace(tzinfo=UTC)
