"""Exit codes of commands that decide something: 0 for no, 1 for yes, as `diff` has them."""

from __future__ import annotations

import click


class Undecided(click.ClickException):
    """The command cannot decide; the message has the reason."""

    exit_code = 2
