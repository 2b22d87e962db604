"""Exit codes of commands that decide something: 0 for no, 1 for yes, as `diff` has them."""

from __future__ import annotations

import click


class Undecided(click.ClickException):
    """It cannot be said, and the message says why."""

    exit_code = 2
