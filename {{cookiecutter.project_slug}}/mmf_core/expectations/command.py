"""`mmfmeta schema from-gx SUITE.json`: write the Python that declares a table."""

from __future__ import annotations

from pathlib import Path

import click

from ..codecs import Format, Kind, find, readable
from ..descriptors import schema_of
from ..descriptors.training import Columns
from .suites import read_suite
from .translation import translate

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.group()
def schema() -> None:
    """Declare the columns of a table."""


@schema.command("from-gx")
@click.argument("suite", type=_FILE)
@click.option(
    "--table",
    type=_FILE,
    help="A table that fits the suite, for the types of columns that it gives none for.",
)
def from_gx(suite: Path, table: Path | None) -> None:
    """Translate SUITE, a suite of Great Expectations as JSON, to Python.

    It is printed, for a file such as tables.py; main.py then has `from tables import TABLE`. What a
    schema cannot express is an error that names each expectation.
    """
    click.echo(translate(read_suite(suite), _types(table) if table else {}), nl=False)


def _types(table: Path) -> Columns:
    format = Format.of_extension(table.suffix)
    codec = find(Kind.TABLE, format) if format in readable(Kind.TABLE) else None
    if codec is None:
        names = ", ".join(format.extension for format in readable(Kind.TABLE))
        raise click.ClickException(f"--table {table}: expected one of {names}")
    return schema_of(codec.decode(table.read_bytes(), {}))
