"""`mmfmeta`, the command line of a project. `python -m mmf_core` is the same."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from .. import __version__
from ..errors import MMFError
from ..heroku_size.command import size
from ..heroku_size.memory import measure_memory
from ..mlflow.from_mlflow import from_mlflow
from ..mlflow.to_mlflow import to_mlflow
from .check_command import test
from .fork_check import check_fork
from .get_meta import get_meta
from .store_commands import COMMANDS


class _Group(click.Group):
    def invoke(self, ctx: click.Context) -> object:
        sys.path.insert(0, str(Path.cwd()))  # where main.py is
        try:
            return super().invoke(ctx)
        except MMFError as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Group)
@click.version_option(__version__, prog_name="mmfmeta")
def main() -> None:
    """Describe and test the project in this folder, and keep its models in a store."""


main.add_command(get_meta)
main.add_command(from_mlflow)
main.add_command(to_mlflow)
main.add_command(test)
main.add_command(check_fork)
main.add_command(size)
main.add_command(measure_memory)
for command in COMMANDS:
    main.add_command(command)
