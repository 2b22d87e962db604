"""`mmfmeta`, the command line of a project. `python -m mmf_core` is the same."""

from __future__ import annotations

import sys
from itertools import chain
from pathlib import Path

import click

from .. import __version__
from ..capabilities import parts
from ..errors import MMFError
from .get_meta import get_meta
from .train_command import train


class _Group(click.Group):
    """The core's commands, and those of capabilities, which are looked for when one is needed."""

    def invoke(self, ctx: click.Context) -> object:
        sys.path.insert(0, str(Path.cwd()))  # where main.py is
        try:
            return super().invoke(ctx)
        except MMFError as error:
            raise click.ClickException(str(error)) from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*self.commands, *_capability_commands()])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return self.commands.get(cmd_name) or _capability_commands().get(cmd_name)


def _capability_commands() -> dict[str, click.Command]:
    return {command.name: command for command in chain(*parts("commands"))}


@click.group(cls=_Group)
@click.version_option(__version__, prog_name="mmfmeta")
def main() -> None:
    """Commands for the project in this folder."""


for _command in (get_meta, train):
    main.add_command(_command)
