"""`mmfmeta predict`: predictions for whole files, in chunks."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import click

from ..errors import MMFError
from .errors import BatchError
from .job import Job
from .request import Request
from .table_files import ROWS

_DONE, _SOME, _NOTHING = 0, 1, 2
_INTERRUPTED = 130


@click.command()
@click.argument("target", required=False)
@click.option(
    "-i",
    "--input",
    "inputs",
    required=True,
    multiple=True,
    metavar="IN",
    help="A file, a folder, a pattern, a URI, or - for standard input. May be repeated.",
)
@click.option("-o", "--output", required=True, metavar="OUT", help="A file, a URI, or -.")
@click.option(
    "-t", "--type", "type_", help="The format of -, and of file names that do not show it."
)
@click.option("--keep", help="Columns to copy to the output: id,owner.")
@click.option("--keep-all", is_flag=True, help="Copy all columns to the output.")
@click.option("--text", help="Copied columns that are text, even if they look like numbers.")
@click.option("--set", "arguments", multiple=True, metavar="NAME=VALUE", help="Another argument.")
@click.option(
    "--batch-rows",
    type=click.IntRange(1),
    default=ROWS,
    show_default=True,
    help="Maximum rows per call.",
)
@click.option(
    "-n",
    "--workers",
    type=click.IntRange(1, 256),
    help="Processes on this machine, which share the loaded model; 1 by default.",
)
@click.option(
    "--engine",
    type=click.Choice(["dask"]),
    help="Predict on a cluster, instead of here; with --address.",
)
@click.option("--address", metavar="URL", help="The scheduler of the cluster: tcp://host:8786.")
@click.option("--errors", metavar="FILE", help="The file for bad rows: .csv, .jsonl or .xlsx.")
@click.option(
    "--max-errors",
    type=click.IntRange(0),
    help="Bad rows that are allowed; by default none without --errors, any number with it.",
)
@click.option("--resume", is_flag=True, help="Continue a run that was interrupted.")
@click.option(
    "--overwrite",
    is_flag=True,
    help="Replace existing files, and the remains of an interrupted run.",
)
@click.option(
    "--summary",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The JSON file for counts, seconds, versions and checksums.",
)
def predict(**options: Any) -> None:
    """Predict the rows of files with TARGET, by default the only one from a table to a table.

    Formats are those of the names: CSV, TSV, JSON lines, Parquet, Arrow, Feather, in chunks; XLSX
    and others whole. The output appears when it is complete. Exit codes: 0, all rows have a
    prediction; 1, some are bad; 2, nothing is written.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        bad = Job(_request(**options)).run()
    except MMFError as error:
        _end(f"Error: {error}", _NOTHING)
    except click.ClickException as error:
        _end(f"Error: {error.format_message()}", _NOTHING)
    except OSError as error:
        name = f"{error.filename}: " if error.filename else ""
        _end(f"Error: {name}{error.strerror or error}", _NOTHING)
    except KeyboardInterrupt:
        _end("Interrupted; --resume continues", _INTERRUPTED)
    sys.exit(_SOME if bad else _DONE)


def _request(  # noqa: PLR0913 - the options that are checked or changed
    *,
    keep: str | None,
    keep_all: bool,
    text: str | None,
    errors: str | None,
    max_errors: int | None,
    engine: str | None,
    address: str | None,
    workers: int | None,
    inputs: tuple[str, ...],
    **others: Any,
) -> Request:
    if keep and keep_all:
        raise BatchError("--keep and --keep-all exclude each other: remove one")
    if (engine is None) != (address is None):
        raise BatchError("--engine and --address belong together: write both, or neither")
    if engine and workers:
        raise BatchError(
            f"--workers {workers} is for processes on this machine, --engine {engine} for those of "
            f"a cluster: remove one of them"
        )
    return Request(
        inputs=inputs,
        address=address,
        workers=workers or 1,
        keep=None if keep_all else _names(keep),
        text=_names(text),
        errors=errors,
        max_errors=0 if max_errors is None and not errors else max_errors,
        **others,
    )


def _names(text: str | None) -> list[str]:
    return [name.strip() for name in text.split(",")] if text else []


def _end(message: str, code: int) -> None:
    click.echo(message, err=True)
    sys.exit(code)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt
